import { expect, test } from 'vitest';
import { SegmentLog } from '../../../proto/store/segments.ts';
import { SimDisk } from '../../sim/disk.ts';
import { SeededRandom } from '../../sim/random.ts';

const folder = '/data';

async function logOf(sizes: readonly number[]): Promise<{ disk: SimDisk; log: SegmentLog }> {
  const disk = new SimDisk({ random: new SeededRandom('reader') });
  const log = await SegmentLog.open(disk, folder, {});
  for (const size of sizes) await log.append([{ type: 1, body: Buffer.alloc(size, size % 251) }]);
  return { disk, log };
}

test('records that lie across the pieces in which a file is read are whole', async () => {
  const sizes = [100_000, 162_000, 100, 262_144, 0, 900_000, 262_100, 44];
  const { log } = await logOf(sizes);
  const found = await log.read(1, 100, Number.MAX_SAFE_INTEGER);
  expect(found.map(({ body }) => body.length)).toEqual(sizes);
  expect(found.every(({ body }) => body.every((byte) => byte === body.length % 251))).toBe(true);
  expect((await log.read(6, 2, Number.MAX_SAFE_INTEGER)).map(({ position }) => position)).toEqual([6, 7]);
});

test('a record that no longer reads well is named, with where it stands and what is lost', async () => {
  const { disk, log } = await logOf([10, 20, 30]);
  const path = disk.paths().find((name) => name.endsWith('.log'))!;
  const content = Buffer.from(disk.content(path)!);
  disk.flipBit(path, content.indexOf(Buffer.alloc(20, 20)) + 3);
  expect(await log.read(1, 1, 1000)).toHaveLength(1);
  await expect(log.read(1, 3, 1000)).rejects.toMatchObject({
    code: 'DISK_DAMAGED',
    data: { file: path, from: 2, to: 3 },
  });
});

test('a file that was trimmed while somebody wanted to read it is no damage', async () => {
  const { disk, log } = await logOf([10]);
  const path = disk.paths().find((name) => name.endsWith('.log'))!;
  await disk.remove(path);
  await expect(log.read(1, 1, 1000)).rejects.toMatchObject({ code: 'OFFSET_TRIMMED' });
});

test('so is a sealed one that nobody has looked at since the start', async () => {
  const disk = new SimDisk({ random: new SeededRandom('sealed') });
  const options = { segmentBytes: 4_096, scan: 'last' } as const;
  const before = await SegmentLog.open(disk, folder, options);
  for (let n = 0; n < 10; n++) await before.append([{ type: 1, body: Buffer.alloc(1_000) }]);
  await before.close();
  const log = await SegmentLog.open(disk, folder, options);
  await disk.remove(disk.paths().find((name) => name.endsWith('.log'))!);
  await expect(log.read(1, 1, 1000)).rejects.toMatchObject({ code: 'OFFSET_TRIMMED' });
});
