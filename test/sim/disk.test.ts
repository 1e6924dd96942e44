import { describe, expect, test } from 'vitest';
import type { DiskFile } from '../../proto/ports.ts';
import { VirtualClock } from './clock.ts';
import { SimDisk } from './disk.ts';
import { SeededRandom } from './random.ts';

const path = '/data/file';

function newDisk(seed: string | number = 'disk', more: { bytesMax?: number } = {}): SimDisk {
  return new SimDisk({ random: new SeededRandom(seed), ...more });
}

/** A file whose name is durable and whose content is `kept`, and is. */
async function fileWith(disk: SimDisk, kept: string): Promise<DiskFile> {
  const file = await disk.open(path, { create: true });
  await file.write(0, Buffer.from(kept));
  await file.sync();
  await disk.syncFolder('/data');
  return file;
}

function content(disk: SimDisk): string | undefined {
  const bytes = disk.content(path);
  return bytes && Buffer.from(bytes).toString();
}

describe('what a crash leaves', () => {
  test('what was synced stays, and everything else is gone', async () => {
    const disk = newDisk();
    const file = await fileWith(disk, 'kept');
    await file.write(4, Buffer.from(' and lost'));
    expect(content(disk)).toBe('kept and lost');
    disk.crash('all');
    expect(content(disk)).toBe('kept');
  });

  test('a write to a durable file stays when it resolved, and may stay in part while it had not', async () => {
    const seen = new Set<string>();
    for (let seed = 0; seed < 60; seed++) {
      const disk = newDisk(seed);
      await fileWith(disk, '-'.repeat(1024));
      const file = await disk.open(path, { durable: true });
      await file.write(0, Buffer.from('a'.repeat(512)));
      disk.hang();
      void file.write(0, Buffer.from('b'.repeat(1024)));
      disk.crash(seed % 2 === 0 ? 'torn' : 'some');
      seen.add(content(disk)!.replace(/(.)\1*/g, '$1'));
    }
    expect([...seen].sort()).toEqual(['a-', 'ab', 'b', 'b-']);
  });

  test.each([
    ['torn', ['', '/data/a', '/data/a /data/b', '/data/a /data/c']],
    ['some', ['', '/data/a', '/data/a /data/b', '/data/a /data/c', '/data/b', '/data/c']],
    ['all', ['']],
  ] as const)(
    'names are durable only after the folder was synced; a crash that loses %s',
    async (kind, possible) => {
      const seen = new Set<string>();
      for (let seed = 0; seed < 60; seed++) {
        const disk = newDisk(seed);
        await disk.open('/data/a', { create: true });
        await disk.open('/data/b', { create: true });
        await disk.rename('/data/b', '/data/c');
        disk.crash(kind);
        seen.add(disk.paths().join(' '));
      }
      expect([...seen].sort()).toEqual(possible);
    },
  );

  test('a removal that was not synced may be undone', async () => {
    const disk = newDisk();
    await fileWith(disk, 'kept');
    await disk.remove(path);
    expect(content(disk)).toBeUndefined();
    disk.crash('all');
    expect(content(disk)).toBe('kept');
  });

  test('whoever held a file hears nothing more', async () => {
    const disk = newDisk();
    const file = await fileWith(disk, 'kept');
    disk.crash('all');
    const answers = [file.write(0, Buffer.from('x')), file.read(0, 1), file.sync(), file.size()];
    const first = await Promise.race([
      ...answers,
      new Promise((resolve) => setImmediate(() => resolve('silence'))),
    ]);
    expect([first, content(disk)]).toEqual(['silence', 'kept']);
  });

  test('a killed process loses nothing that it wrote', async () => {
    const disk = newDisk();
    const file = await fileWith(disk, 'kept');
    await file.write(4, Buffer.from(' and more'));
    disk.killProcess();
    expect(content(disk)).toBe('kept and more');
  });
});

describe('failures', () => {
  test('a failed sync keeps nothing, and the next one does not bring it back', async () => {
    const disk = newDisk();
    const file = await fileWith(disk, 'kept');
    await file.write(4, Buffer.from(' and dropped'));
    disk.failures.push({ name: 'sync', code: 'EIO' });
    await expect(file.sync()).rejects.toMatchObject({ code: 'EIO' });
    await file.sync();
    expect(content(disk)).toBe('kept and dropped');
    disk.crash('all');
    expect(content(disk)).toBe('kept');
  });

  test('a full disk takes what fits and fails', async () => {
    const disk = newDisk('full', { bytesMax: 10 });
    const file = await fileWith(disk, '12345678');
    await expect(file.write(8, Buffer.from('9abc'))).rejects.toMatchObject({ code: 'ENOSPC' });
    await expect(file.preallocate(11)).rejects.toMatchObject({ code: 'ENOSPC' });
    await file.write(0, Buffer.from('87654321'));
  });

  test('a flipped bit is on the platter', async () => {
    const disk = newDisk();
    await fileWith(disk, 'kept');
    disk.flipBit(path, 0, 0);
    disk.crash('all');
    expect(content(disk)).toBe('jept');
  });

  test('missing and existing files fail as on a real disk', async () => {
    const disk = newDisk();
    await expect(disk.open(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await fileWith(disk, '');
    await expect(disk.open(path, { create: true, exclusive: true })).rejects.toMatchObject({
      code: 'EEXIST',
    });
    await expect(disk.rename('/data/none', path)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await disk.readFile('/data/none')).toBeUndefined();
    expect(await disk.list('/none')).toEqual([]);
  });
});

describe('time', () => {
  test('operations take their time, a slow disk takes longer, and one that hangs waits to be released', async () => {
    const clock = new VirtualClock();
    const disk = new SimDisk({ random: new SeededRandom('time'), clock });
    let done = 0;
    const sync = async (): Promise<void> => {
      await disk.syncFolder('/data');
      done++;
    };
    void sync();
    await clock.settleFor(0.1);
    expect(done).toBe(0);
    await clock.settleFor(1);
    expect(done).toBe(1);
    disk.slowMs = 100;
    void sync();
    await clock.settleFor(50);
    expect(done).toBe(1);
    await clock.settleFor(60);
    expect(done).toBe(2);
    disk.slowMs = 0;
    disk.hang();
    void sync();
    await clock.settleFor(10_000);
    expect(done).toBe(2);
    disk.release();
    await clock.settleFor(1);
    expect(done).toBe(3);
  });

  test('the same seed leaves the same bytes', async () => {
    const run = async (): Promise<string> => {
      const disk = newDisk('same');
      await fileWith(disk, '-'.repeat(10_000));
      const file = await disk.open(path);
      for (let i = 0; i < 20; i++) await file.write(i * 400, Buffer.from(String(i % 10).repeat(700)));
      disk.crash('some');
      return content(disk)!;
    };
    expect(await run()).toBe(await run());
  });
});

test('it knows how many files its process has open', async () => {
  const disk = new SimDisk({ random: new SeededRandom('open files') });
  const a = await disk.open('/data/a', { create: true });
  await disk.open('/data/b', { create: true });
  expect(disk.openFiles).toBe(2);
  await a.close();
  expect(disk.openFiles).toBe(1);
  disk.killProcess();
  expect(disk.openFiles).toBe(0);
});

test('what the kernel has written back survives a crash without a sync', async () => {
  const disk = new SimDisk({ random: new SeededRandom('write back') });
  const file = await disk.open('/data/a', { create: true });
  await disk.syncFolder('/data');
  await file.write(0, Buffer.from('kept'));
  disk.writeBack();
  await file.write(0, Buffer.from('lost'));
  disk.crash('all');
  expect(Buffer.from(disk.content('/data/a')!).toString()).toBe('kept');
});

test('who has died does nothing any more, whatever wakes it', async () => {
  const disk = new SimDisk({ random: new SeededRandom('ghost') });
  const dead = disk.ofProcess();
  disk.killProcess();
  void dead.open('folder/file', { create: true });
  await disk.ofProcess().open('folder/other', { create: true });
  expect(disk.paths()).toEqual(['folder/other']);
});
