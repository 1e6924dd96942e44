import { expect, test } from 'vitest';
import { type SnapshotHeader, SnapshotReader, writeSnapshot } from '../../../proto/store/snapshot-file.ts';
import { SimDisk } from '../../sim/disk.ts';
import { SeededRandom } from '../../sim/random.ts';

const path = '/data/snapshot';
const membership = { voters: ['a'], outgoing: null, learners: [], addresses: {} };
const header: SnapshotHeader = {
  meta: { index: 5, term: 2, membership, membershipIndex: 1 },
  logId: 'log',
  firstOffset: 1,
  lastOffset: 9,
  timeMs: 1000,
  clusterId: 'c',
  nodeId: 'a',
};

async function written(pieces: string[]): Promise<{ disk: SimDisk; size: number }> {
  const disk = new SimDisk({ random: new SeededRandom('snapshot') });
  const file = await disk.open(path, { create: true });
  const size = await writeSnapshot(
    file,
    header,
    pieces.map((piece) => Buffer.from(piece)),
  );
  return { disk, size };
}

async function read(disk: SimDisk): Promise<string[]> {
  const { reader } = await SnapshotReader.open(disk, path);
  const pieces: string[] = [];
  for (let piece = await reader.next(); piece; piece = await reader.next())
    pieces.push(Buffer.from(piece).toString());
  return pieces;
}

test('header and pieces come back as they were, and the size is that of the file', async () => {
  const { disk, size } = await written(['one', 'two']);
  const { reader, header: found } = await SnapshotReader.open(disk, path);
  expect([found, await reader.size()]).toEqual([header, size]);
  expect(await read(disk)).toEqual(['one', 'two']);
  expect(await read((await written([])).disk)).toEqual([]);
});

test('it is durable when it is written', async () => {
  const { disk } = await written(['x'.repeat(5_000_000), 'y']);
  await disk.syncFolder('/data');
  disk.crash('all');
  expect((await read(disk)).map((piece) => piece.length)).toEqual([5_000_000, 1]);
});

test('a fault says where', async () => {
  const { disk, size } = await written(['one', 'two']);
  const faultAt = async (at: number): Promise<string> => {
    disk.flipBit(path, at, 0);
    const message = await read(disk).then(
      () => 'none',
      (error: Error) => error.message,
    );
    disk.flipBit(path, at, 0);
    return message;
  };
  expect(await faultAt(0)).toBe('this is no snapshot');
  expect(await faultAt(6)).toBe('it has format 0 and this program knows 1');
  expect(await faultAt(20)).toBe('the frame at byte 8 has a wrong checksum');
  expect(await faultAt(size - 37)).toMatch(/^the frame at byte \d+ has a wrong checksum$/);
  expect(await faultAt(size - 1)).toBe('the hash over everything is wrong');
});

test('pieces that change places, or are left out, are noticed', async () => {
  const { disk, size } = await written(['one', 'two']);
  const content = Buffer.from(disk.content(path)!);
  const frames = content.subarray(size - 36 - 22, size - 36);
  disk.overwrite(path, size - 36 - 22, Buffer.concat([frames.subarray(11), frames.subarray(0, 11)]));
  await expect(read(disk)).rejects.toThrow('wrong checksum');
  disk.overwrite(path, size - 36 - 22, Buffer.concat([frames.subarray(0, 11), content.subarray(size - 36)]));
  await expect(read(disk)).rejects.toThrow('hash over everything');
});
