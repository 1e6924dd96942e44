import { expect, test } from 'vitest';
import { recordHeaderBytes } from '../../../proto/store/record.ts';
import type { Segment } from '../../../proto/store/segment-files.ts';
import { type Group, Tail } from '../../../proto/store/tail.ts';
import { SimDisk } from '../../sim/disk.ts';
import { SeededRandom } from '../../sim/random.ts';

async function newTail(): Promise<{ disk: SimDisk; tail: Tail; segments: Segment[] }> {
  const disk = new SimDisk({ random: new SeededRandom('tail') });
  const segments: Segment[] = [];
  const options = { segmentBytes: 8192, owner: {}, next: 1, checksum: 0 };
  const tail = new Tail({ disk, folder: '/data', prefix: '' }, segments, options);
  await tail.open();
  return { disk, tail, segments };
}

function group(count: number, bytes: number): Group {
  const records = Array.from({ length: count }, () => ({ type: 1, body: new Uint8Array(bytes).fill(1) }));
  return { records, bytes: count * (bytes + recordHeaderBytes), head: undefined };
}

test('all groups of a write are one write to the disk', async () => {
  const { disk, tail } = await newTail();
  let writes = 0;
  disk.onOperation = ({ name }) => {
    if (name === 'write') writes++;
  };
  await tail.write([group(3, 10), group(1, 20), group(2, 5)]);
  expect([writes, tail.next]).toEqual([1, 7]);
});

test('the next segment is filled with zeros when the current one is half full, and then used', async () => {
  const { disk, tail, segments } = await newTail();
  await tail.write([group(2, 2500)]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(disk.paths()).toContain('/data/zeros.tmp');
  await tail.write([group(2, 2500)]);
  expect(segments.map(({ first }) => first)).toEqual([1, 3]);
  await tail.close();
  expect(disk.paths()).toEqual(segments.map(({ path }) => path));
});

test('when the disk cannot prepare a segment, it is made on the spot', async () => {
  const { disk, tail, segments } = await newTail();
  disk.failures.push({ name: 'preallocate', code: 'ENOSPC' });
  await tail.write([group(2, 2500)]);
  await new Promise((resolve) => setImmediate(resolve));
  await tail.write([group(2, 2500)]);
  expect(segments).toHaveLength(2);
});

test('a write that is larger than a segment gets one that is large enough', async () => {
  const { disk, tail, segments } = await newTail();
  await tail.write([group(1, 10)]);
  await tail.write([group(1, 50_000)]);
  expect(segments[1]!.capacity).toBeGreaterThan(50_000);
  expect(disk.content(segments[1]!.path)!.length).toBe(segments[1]!.capacity);
});
