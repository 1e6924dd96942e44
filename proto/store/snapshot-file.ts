/**
 * A snapshot as one file. On disk and on the way between servers it is the same bytes (integers little endian):
 *
 *   "RCSNAP", u16 format
 *   frames: u32 length, u32 checksum, body      the first body is the header, the others are the content, as it came
 *   u32 0, then 32 bytes: SHA-256 of everything before them
 *
 * The checksum of a frame goes on from that of the frame before it, so frames cannot be left out or change places.
 * It says where a bit has flipped; the hash at the end says that nothing is missing.
 */
import { createHash, type Hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { assert } from '../assert.ts';
import { decode, encode } from '../codec.ts';
import type { Disk, DiskFile } from '../ports.ts';
import type { SnapshotMeta } from '../raft.ts';

export interface SnapshotHeader {
  readonly meta: SnapshotMeta;
  /** Id of the event log, and what it keeps: offsets `firstOffset` to `lastOffset`; none when the last is smaller. */
  readonly logId: string;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** Unix milliseconds of the newest command: the state machine's clock. */
  readonly timeMs: number;
  /** For people: which cluster and node it comes from. */
  readonly clusterId: string;
  readonly nodeId: string;
}

const magic = Buffer.from('RCSNAP');
/** Raised when the bytes get another meaning. */
const snapshotFormat = 1;
const prefaceBytes = magic.length + 2;
const frameHeaderBytes = 8;
const hashBytes = 32;
/** A longer frame is taken for damage of its length. Content comes in smaller pieces. */
const frameBytesMax = 64 * 1024 * 1024;
/** A flush now and then, so that the one at the end does not hold up the logs on the same disk. */
const bytesBetweenSyncs = 4 * 1024 * 1024;

/** The file is not what was written: says where. */
export class SnapshotFault extends Error {
  override readonly name = 'SnapshotFault';
}

/** The bytes of a whole snapshot, one after the other: the same ones whenever header and content are the same. */
export async function* snapshotBytes(
  header: SnapshotHeader,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  let checksum = 0;
  const frameOf = (body: Uint8Array): Uint8Array => {
    assert(body.length > 0 && body.length <= frameBytesMax, 'a frame holds something, and not too much');
    const frame = Buffer.allocUnsafe(frameHeaderBytes + body.length);
    checksum = crc32(body, checksum);
    frame.writeUInt32LE(body.length, 0);
    frame.writeUInt32LE(checksum, 4);
    frame.set(body, frameHeaderBytes);
    return frame;
  };
  const hashed = (bytes: Uint8Array): Uint8Array => {
    hash.update(bytes);
    return bytes;
  };
  const preface = Buffer.alloc(prefaceBytes);
  preface.set(magic);
  preface.writeUInt16LE(snapshotFormat, magic.length);
  yield hashed(preface);
  yield hashed(frameOf(encode(header)));
  for await (const piece of content) yield hashed(frameOf(piece));
  yield hashed(Buffer.alloc(4));
  yield hash.digest();
}

/** Writes a whole snapshot; durable when it resolves. Returns the bytes of the file. */
export async function writeSnapshot(
  file: DiskFile,
  header: SnapshotHeader,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<number> {
  let position = 0;
  let unsynced = 0;
  for await (const bytes of snapshotBytes(header, content)) {
    await file.write(position, bytes);
    position += bytes.length;
    unsynced += bytes.length;
    if (unsynced < bytesBetweenSyncs) continue;
    await file.sync();
    unsynced = 0;
  }
  await file.sync();
  return position;
}

/** Where the bytes of a snapshot come from: a file, or whatever brings them one after the other. */
export type SnapshotSource = Pick<DiskFile, 'read' | 'size' | 'close'>;

/** Reads a snapshot from its beginning and checks every byte on the way. One at a time, never more than a frame in memory. */
export class SnapshotReader {
  readonly #file: SnapshotSource;
  readonly #hash: Hash = createHash('sha256');
  #position = 0;
  #checksum = 0;

  private constructor(file: SnapshotSource) {
    this.#file = file;
  }

  /** The caller closes the reader. Throws `SnapshotFault`, or what the disk reports. */
  static async open(disk: Disk, path: string): Promise<{ reader: SnapshotReader; header: SnapshotHeader }> {
    return SnapshotReader.from(await disk.open(path));
  }

  /** As `open`; asks for the bytes in order. */
  static async from(source: SnapshotSource): Promise<{ reader: SnapshotReader; header: SnapshotHeader }> {
    const reader = new SnapshotReader(source);
    try {
      await reader.#readPreface();
      const header = await reader.next();
      if (!header) throw new SnapshotFault('there is no header');
      return { reader, header: decode(header) as SnapshotHeader };
    } catch (error) {
      await reader.close();
      throw error;
    }
  }

  /** The next piece of the content; undefined at the end, when everything has been found intact. */
  async next(): Promise<Uint8Array | undefined> {
    const at = this.#position;
    const length = (await this.#take(4, 'a frame')).readUInt32LE(0);
    if (length === 0) {
      await this.#checkEnd();
      return undefined;
    }
    if (length > frameBytesMax)
      throw new SnapshotFault(`the frame at byte ${at} says it has ${length} bytes`);
    const checksum = (await this.#take(4, 'a frame')).readUInt32LE(0);
    const body = await this.#take(length, 'a frame');
    this.#checksum = crc32(body, this.#checksum);
    if (this.#checksum !== checksum) throw new SnapshotFault(`the frame at byte ${at} has a wrong checksum`);
    return body;
  }

  /** Bytes of the file. */
  async size(): Promise<number> {
    return this.#file.size();
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #readPreface(): Promise<void> {
    const preface = await this.#take(prefaceBytes, 'the preface');
    if (!preface.subarray(0, magic.length).equals(magic)) throw new SnapshotFault('this is no snapshot');
    const format = preface.readUInt16LE(magic.length);
    if (format !== snapshotFormat) {
      throw new SnapshotFault(`it has format ${format} and this program knows ${snapshotFormat}`);
    }
  }

  async #checkEnd(): Promise<void> {
    const found = this.#hash.digest();
    const expected = await this.#read(hashBytes, 'the hash');
    if (!found.equals(expected)) throw new SnapshotFault('the hash over everything is wrong');
    if ((await this.#file.size()) !== this.#position) throw new SnapshotFault('something follows the end');
  }

  async #take(length: number, what: string): Promise<Buffer> {
    const bytes = await this.#read(length, what);
    this.#hash.update(bytes);
    return bytes;
  }

  async #read(length: number, what: string): Promise<Buffer> {
    const bytes = await this.#file.read(this.#position, length);
    if (bytes.length < length) {
      throw new SnapshotFault(`it ends at byte ${this.#position + bytes.length}, within ${what}`);
    }
    this.#position += length;
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}
