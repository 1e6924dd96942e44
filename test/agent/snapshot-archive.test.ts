import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { readArchive, writeArchive } from '../../agent/snapshot-archive.ts';
import { type SnapshotHeader, snapshotBytes } from '../../proto/store/snapshot-file.ts';

const membership = { voters: ['a'], outgoing: null, learners: ['b'], addresses: { a: '10.0.0.1:8300' } };
const meta = { index: 13, term: 2, membership, membershipIndex: 1 };
const header: SnapshotHeader = {
  meta,
  logId: 'log',
  firstOffset: 1,
  lastOffset: 9,
  timeMs: 0,
  clusterId: 'c',
  nodeId: 'a',
};
const pieces = ['one', 'two', 'three'].map((text) => Buffer.from(text.repeat(400)));

async function stateOf(): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of snapshotBytes(header, pieces)) parts.push(part);
  return Buffer.concat(parts);
}

async function archive(): Promise<Buffer> {
  const state = await stateOf();
  const sha256 = createHash('sha256').update(state).digest('hex');
  async function* bytes() {
    yield state;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of writeArchive({ meta, size: state.length, sha256, bytes: bytes() }))
    chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function* chunksOf(bytes: Buffer, size = 100) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Buffer) {
  const found: { header: SnapshotHeader | null; pieces: Buffer[] } = { header: null, pieces: [] };
  await readArchive(chunksOf(bytes), {
    header: (it) => {
      found.header = it;
    },
    piece: (piece) => {
      found.pieces.push(Buffer.from(piece));
    },
  });
  return found;
}

test('what was written comes back, in chunks of whatever size', async () => {
  expect(await read(await archive())).toEqual({ header, pieces });
});

test('it is a tar of the three files that tools look for', async () => {
  const tar = gunzipSync(await archive());
  const size = (at: number) => Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8);
  const next = (at: number) => at + 512 + Math.ceil(size(at) / 512) * 512;
  const starts = [0, next(0), next(next(0))];
  const names = starts.map((at) => tar.toString('latin1', at, at + 100).replace(/\0+$/, ''));
  expect(names).toEqual(['meta.json', 'state.bin', 'SHA256SUMS']);
  const text = (at: number) => tar.toString('utf8', at + 512, at + 512 + size(at));
  expect(JSON.parse(text(0))).toMatchObject({ Version: 1, ID: '2-13', Index: 13, Term: 2 });
  expect(text(starts[2]!)).toMatch(/^[0-9a-f]{64} {2}meta\.json\n[0-9a-f]{64} {2}state\.bin\n$/);
});

test('one flipped bit is refused wherever it is, compressed or not', async () => {
  const good = await archive();
  for (let at = 0; at < good.length; at += 7) {
    // Time and system of the gzip header say nothing about the content.
    if (at >= 3 && at < 10) continue;
    const flipped = Buffer.from(good);
    flipped[at]! ^= 1 << (at % 8);
    await expect(read(flipped), `byte ${at}`).rejects.toMatchObject({ code: 'BAD_REQUEST', status: 500 });
  }
  const tar = gunzipSync(good);
  const end = tar.length - 1024;
  for (let at = 0; at < end; at += 41) {
    const flipped = Buffer.from(tar);
    flipped[at]! ^= 1 << (at % 8);
    const outcome = await read(gzipSync(flipped)).catch((error: { code?: string }) => error.code);
    // Padding and the fields of a tar header that nobody reads hold nothing; everything else is covered.
    if (outcome !== 'BAD_REQUEST') expect(outcome, `byte ${at}`).toEqual({ header, pieces });
  }
});

test.each([
  ['nothing', Buffer.alloc(0), 'failed to decompress snapshot: unexpected EOF'],
  [
    'garbage',
    Buffer.from('garbage, not a snapshot'),
    'failed to decompress snapshot: incorrect header check',
  ],
  ['no tar', gzipSync(Buffer.alloc(2048)), 'failed to read snapshot file: this is no tar archive'],
])('%s is refused in words that tools know', async (_, bytes, message) => {
  await expect(read(bytes)).rejects.toMatchObject({ message });
});

test('an archive that breaks off is refused, wherever it does', async () => {
  const good = await archive();
  for (let length = 0; length < good.length; length += 29) {
    await expect(read(good.subarray(0, length)), `${length} bytes`).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  }
});

test('what the taker throws ends the reading', async () => {
  const taker = {
    header: () => {},
    piece: () => {
      throw new RangeError('enough');
    },
  };
  await expect(readArchive(chunksOf(await archive()), taker)).rejects.toThrow('enough');
});
