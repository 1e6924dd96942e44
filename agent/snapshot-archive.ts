/**
 * A snapshot outside of a server: a gzipped tar of three files in this order, the envelope that Consul's clients know.
 *
 *     meta.json     for people and tools: index, term, servers, size
 *     state.bin     the snapshot, as `proto/store/snapshot-file.ts` has it
 *     SHA256SUMS    of the two before it
 *
 * Both directions pass the content on piece by piece, so an archive of any size needs the memory of one piece. Whoever
 * reads has seen all of it intact only when `readArchive` resolves: until then nothing of it may take effect.
 */
import { createHash, type Hash } from 'node:crypto';
import { Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { ExpectedError, isExpected, messageOf } from '../proto/errors.ts';
import type { SnapshotMeta } from '../proto/raft.ts';
import { type SnapshotHeader, SnapshotReader } from '../proto/store/snapshot-file.ts';

const blockBytes = 512;
/** Of the two small files. */
const textBytesMax = 1024 * 1024;

/** What has to be known before the first byte is written. */
export interface ArchiveContent {
  readonly meta: SnapshotMeta;
  /** Bytes of `state.bin`, and its SHA-256 in hexadecimal. */
  readonly size: number;
  readonly sha256: string;
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** The whole archive, compressed. */
export function writeArchive(content: ArchiveContent): Readable {
  const gzip = createGzip();
  const tar = Readable.from(tarOf(content), { objectMode: false });
  tar.once('error', (error) => gzip.destroy(error));
  gzip.once('close', () => tar.destroy());
  return tar.pipe(gzip);
}

/** What an archive holds, piece by piece. A rejection of `piece` ends the reading. */
export interface ArchiveTaker {
  header(header: SnapshotHeader, size: number): Promise<void> | void;
  piece(piece: Uint8Array): Promise<void> | void;
}

/** Resolves when everything was there and intact. Rejects with BAD_REQUEST, in Consul's words where it has some. */
export async function readArchive(bytes: AsyncIterable<Uint8Array>, taker: ArchiveTaker): Promise<void> {
  const gunzip = createGunzip();
  const source = Readable.from(bytes, { objectMode: false });
  source.once('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    await readTar(new ByteSource(gunzip), taker);
  } catch (error) {
    if (isExpected(error)) throw error;
    throw refused(
      isZlib(error)
        ? `failed to decompress snapshot: ${wordsOf(error)}`
        : `failed to read snapshot file: ${messageOf(error)}`,
    );
  } finally {
    gunzip.destroy();
    source.destroy();
  }
}

async function* tarOf({
  meta,
  size,
  sha256,
  bytes,
}: ArchiveContent): AsyncGenerator<Uint8Array, void, undefined> {
  const text = Buffer.from(`${JSON.stringify(metaJson(meta, size))}\n`);
  yield* entry('meta.json', text.length, [text]);
  yield* entry('state.bin', size, bytes);
  const sums = Buffer.from(`${hashOf(text)}  meta.json\n${sha256}  state.bin\n`);
  yield* entry('SHA256SUMS', sums.length, [sums]);
  yield Buffer.alloc(2 * blockBytes);
}

function metaJson({ index, term, membership, membershipIndex }: SnapshotMeta, Size: number): unknown {
  const suffrage = (ids: readonly string[], Suffrage: number) =>
    ids.map((ID) => ({ Suffrage, ID, Address: membership.addresses[ID] ?? '' }));
  return {
    Version: 1,
    ID: `${term}-${index}`,
    Index: index,
    Term: term,
    Configuration: { Servers: [...suffrage(membership.voters, 0), ...suffrage(membership.learners, 1)] },
    ConfigurationIndex: membershipIndex,
    Size,
  };
}

/** One file of a tar in the ustar format: a header of 512 bytes, the content, zeros up to the next block. */
async function* entry(
  name: string,
  size: number,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const header = Buffer.alloc(blockBytes);
  const put = (text: string, at: number) => header.write(text, at, 'latin1');
  put(name, 0);
  put('0000600\0', 100);
  put('0000000\0', 108);
  put('0000000\0', 116);
  put(`${size.toString(8).padStart(11, '0')} `, 124);
  put('00000000000 ', 136);
  put('        ', 148);
  put('0ustar\u000000', 156);
  put(`${checksumOf(header).toString(8).padStart(6, '0')}\0 `, 148);
  yield header;
  yield* content;
  const rest = size % blockBytes;
  if (rest > 0) yield Buffer.alloc(blockBytes - rest);
}

/** The sum of all bytes of the header, its own field counted as blanks. */
function checksumOf(header: Uint8Array): number {
  return header.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

async function readTar(source: ByteSource, taker: ArchiveTaker): Promise<void> {
  const meta = await readText(source, 'meta.json');
  const size = await readHeader(source, 'state.bin');
  const state = new StateSource(source, size);
  const { reader, header } = await SnapshotReader.from(state);
  await taker.header(header, size);
  for (let piece = await reader.next(); piece !== undefined; piece = await reader.next())
    await taker.piece(piece);
  await source.take(padding(size));
  const sums = await readText(source, 'SHA256SUMS');
  for (const [name, found] of [
    ['meta.json', hashOf(meta)],
    ['state.bin', state.sha256()],
  ] as const) {
    const line = sums
      .toString()
      .split('\n')
      .find((each) => each.endsWith(` ${name}`));
    if (line?.split(' ')[0] !== found)
      throw refused(`failed to read snapshot file: hash check failed for "${name}"`);
  }
  await source.drain();
}

async function readText(source: ByteSource, name: string): Promise<Buffer> {
  const size = await readHeader(source, name);
  if (size > textBytesMax) throw refused(`failed to read snapshot file: ${name} has ${size} bytes`);
  const text = await source.take(size);
  await source.take(padding(size));
  return text;
}

/** Size of the file that follows. */
async function readHeader(source: ByteSource, wanted: string): Promise<number> {
  const header = await source.take(blockBytes);
  const field = (from: number, to: number) => header.toString('latin1', from, to).replace(/[\0 ]+$/, '');
  const name = field(0, 100);
  const isSound = Number.parseInt(field(148, 156), 8) === checksumOf(header);
  if (!isSound) throw refused('failed to read snapshot file: this is no tar archive');
  if (name !== wanted)
    throw refused(`failed to read snapshot file: ${wanted} was expected, not ${JSON.stringify(name)}`);
  const size = Number.parseInt(field(124, 136), 8);
  if (!Number.isSafeInteger(size) || size < 0)
    throw refused(`failed to read snapshot file: ${name} has no size`);
  return size;
}

function padding(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/** Bytes that come in chunks of any length, taken in lengths that are wanted. */
class ByteSource {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Buffer = Buffer.alloc(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async take(length: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    let missing = length;
    while (missing > 0) {
      if (this.#held.length === 0) {
        const { value, done } = await this.#chunks.next();
        if (done) throw refused('failed to read snapshot file: unexpected EOF');
        this.#held = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      }
      const part = this.#held.subarray(0, missing);
      this.#held = this.#held.subarray(part.length);
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  /** To the very end: what is wrong with the compression shows there. */
  async drain(): Promise<void> {
    while (!(await this.#chunks.next()).done);
  }
}

/** `state.bin` for a reader that asks in order. */
class StateSource {
  readonly #source: ByteSource;
  readonly #size: number;
  readonly #hash: Hash = createHash('sha256');
  #left: number;

  constructor(source: ByteSource, size: number) {
    this.#source = source;
    this.#size = size;
    this.#left = size;
  }

  async read(_position: number, length: number): Promise<Uint8Array> {
    const bytes = await this.#source.take(Math.min(length, this.#left));
    this.#left -= bytes.length;
    this.#hash.update(bytes);
    return bytes;
  }

  async size(): Promise<number> {
    return this.#size;
  }

  async close(): Promise<void> {}

  sha256(): string {
    return this.#hash.digest('hex');
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Consul answers 500 to whatever is wrong with an archive. */
function refused(message: string): ExpectedError {
  return new ExpectedError('BAD_REQUEST', message, { status: 500 });
}

function isZlib(error: unknown): boolean {
  return String((error as { code?: unknown }).code).startsWith('Z_');
}

function wordsOf(error: unknown): string {
  return (error as { code?: unknown }).code === 'Z_BUF_ERROR' ? 'unexpected EOF' : messageOf(error);
}
