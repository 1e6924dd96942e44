import { expect, test } from 'vitest';
import { MemoryDisk } from '../../../agent/host/memory-disk.ts';

test('a file that was removed while it was open can be read to its end, as on a real disk', async () => {
  const disk = new MemoryDisk();
  const file = await disk.open('/data/file', { create: true });
  await file.write(0, Buffer.from('abc'));
  await disk.remove('/data/file');
  expect(Buffer.from(await file.read(0, 3)).toString()).toBe('abc');
  expect(await disk.list('/data')).toEqual([]);
});

test('zeros that were only reserved take no memory', async () => {
  const disk = new MemoryDisk();
  const before = process.memoryUsage().arrayBuffers;
  const file = await disk.open('/data/file', { create: true });
  await file.preallocate(500_000_000);
  await file.write(0, Buffer.from('abc'));
  expect(await file.size()).toBe(500_000_000);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50_000_000);
});
