/** The disk in memory and the real one behave alike. The real one gets a folder of the system's own for temporary files. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RealDisk } from '../../../agent/host/disk.ts';
import { MemoryDisk } from '../../../agent/host/memory-disk.ts';
import type { Disk } from '../../../proto/ports.ts';
import { SegmentLog } from '../../../proto/store/segments.ts';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'disk-'));
});
afterEach(async () => {
  await rm(base, { recursive: true });
});

const disks: [string, () => Disk][] = [
  ['real', () => new RealDisk()],
  ['in memory', () => new MemoryDisk()],
];

describe.each(disks)('the disk that is %s', (_, make) => {
  test('keeps what was written, wherever in the file', async () => {
    const disk = make();
    await disk.makeFolder(`${base}/a/b`);
    const path = `${base}/a/b/file`;
    const file = await disk.open(path, { create: true });
    await file.write(3, Buffer.from('def'));
    await file.write(0, Buffer.from('abc'));
    await file.sync();
    expect(await file.size()).toBe(6);
    expect(Buffer.from(await file.read(2, 3)).toString()).toBe('cde');
    expect(Buffer.from(await file.read(4, 100)).toString()).toBe('ef');
    expect(await file.read(6, 10)).toHaveLength(0);
    await file.close();
    expect(Buffer.from((await disk.readFile(path))!).toString()).toBe('abcdef');
  });

  test('cuts and extends files, with zeros', async () => {
    const disk = make();
    const file = await disk.open(`${base}/file`, { create: true });
    await file.write(0, Buffer.from('abcdef'));
    await file.truncate(3);
    await file.truncate(5);
    expect(Buffer.from(await file.read(0, 10)).toString()).toBe('abc\0\0');
    await file.preallocate(3_000_000);
    expect(await file.size()).toBe(3_000_000);
    await file.preallocate(10);
    expect(await file.size()).toBe(3_000_000);
    expect((await file.read(5, 3_000_000)).every((byte) => byte === 0)).toBe(true);
    await file.close();
  });

  test('lists names, renames and removes', async () => {
    const disk = make();
    expect(await disk.list(`${base}/none`)).toEqual([]);
    for (const name of ['c', 'a', 'b']) await (await disk.open(`${base}/${name}`, { create: true })).close();
    await disk.rename(`${base}/c`, `${base}/a`);
    await disk.remove(`${base}/b`);
    await disk.remove(`${base}/b`);
    await disk.makeFolder(`${base}/folder`);
    await (await disk.open(`${base}/folder/file`, { create: true })).close();
    await disk.syncFolder(base);
    expect(await disk.list(base)).toEqual(['a', 'folder']);
    expect(await disk.readFile(`${base}/b`)).toBeUndefined();
  });

  test('fails with the codes of the system', async () => {
    const disk = make();
    await expect(disk.open(`${base}/none`)).rejects.toMatchObject({ code: 'ENOENT' });
    await (await disk.open(`${base}/file`, { create: true })).close();
    await expect(disk.open(`${base}/file`, { create: true, exclusive: true })).rejects.toMatchObject({
      code: 'EEXIST',
    });
    await expect(disk.rename(`${base}/none`, `${base}/other`)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('carries a log through a restart', async () => {
    const disk = make();
    const body = Buffer.from('record');
    const log = await SegmentLog.open(disk, `${base}/log`, { segmentBytes: 65_536 });
    await Promise.all(Array.from({ length: 500 }, () => log.append([{ type: 1, body }])));
    await log.close();
    const again = await SegmentLog.open(disk, `${base}/log`, { segmentBytes: 65_536 });
    expect([again.flushed, again.damage]).toEqual([500, null]);
    expect(await again.read(1, 1000, 1_000_000)).toHaveLength(500);
    await again.close();
  });
});

test('a new file gets the rights that were asked for', async () => {
  const file = await new RealDisk().open(`${base}/secret`, { create: true, mode: 0o600 });
  await file.close();
  expect((await stat(`${base}/secret`)).mode & 0o777).toBe(0o600);
});

test('a folder that is there already, or is given relative to the process, is fine', async () => {
  const disk = new RealDisk();
  await disk.makeFolder(base);
  await disk.makeFolder('.');
  await disk.makeFolder(`${base}/x/../y`);
  expect(await disk.list(base)).toContain('y');
});

test('a folder that cannot be made is told at once', async () => {
  const disk = new RealDisk();
  await (await disk.open(`${base}/file`, { create: true })).close();
  await expect(disk.makeFolder(`${base}/file`)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(disk.makeFolder(`${base}/file/below`)).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test.skipIf(process.platform !== 'linux')('nor does it hang where the kernel makes the names', async () => {
  await expect(new RealDisk().makeFolder('/proc/none/below')).rejects.toMatchObject({ code: 'ENOENT' });
});

test.skipIf(process.platform !== 'linux')('a device that is full is told', async () => {
  const file = await new RealDisk().open('/dev/full', { durable: true });
  await expect(file.write(0, Buffer.from('x'))).rejects.toMatchObject({ code: 'ENOSPC' });
  await file.close();
});
