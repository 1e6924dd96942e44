import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { folderLock } from '../../../agent/host/folder-lock.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lock-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function holder(): Promise<{ pid: number; started: string; boot: string }> {
  return JSON.parse(await readFile(`${folder}/lock`, 'utf8'));
}

test('a second one is refused and told who holds the folder, until it is released', async () => {
  const release = await folderLock.acquire(folder);
  await expect(folderLock.acquire(folder)).rejects.toMatchObject({
    code: 'DISK_IN_USE',
    message: expect.stringContaining(`process ${process.pid}`),
  });
  await release();
  expect(await readdir(folder)).toEqual([]);
  await (await folderLock.acquire(folder))();
});

test.skipIf(process.platform !== 'linux')('the lock of a process that is gone is taken over', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  await writeFile(`${folder}/lock`, JSON.stringify({ pid: child.pid, started, boot }));
  await expect(folderLock.acquire(folder)).rejects.toMatchObject({
    code: 'DISK_IN_USE',
    data: { pid: child.pid },
  });
  child.kill('SIGKILL');
  await once(child, 'exit');
  const release = await folderLock.acquire(folder);
  expect((await holder()).pid).toBe(process.pid);
  await release();
});

test.skipIf(process.platform !== 'linux')('a dead process that nobody buries holds nothing', async () => {
  const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 600'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(text.toString());
  let fields: string[] = [];
  while (fields[0] !== 'Z') {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  }
  const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  await writeFile(`${folder}/lock`, JSON.stringify({ pid, started: fields[19], boot }));
  await (await folderLock.acquire(folder))();
  parent.kill('SIGKILL');
});

test.skipIf(process.platform !== 'linux')(
  'a process id that is used again, or of another boot, holds nothing',
  async () => {
    const release = await folderLock.acquire(folder);
    const own = await holder();
    await release();
    for (const stale of [
      { ...own, started: '1' },
      { ...own, boot: 'another' },
    ]) {
      await writeFile(`${folder}/lock`, JSON.stringify(stale));
      await (await folderLock.acquire(folder))();
    }
  },
);

test('a file that names nobody is taken over', async () => {
  for (const text of ['', '{', '{"pid":"x"}', '{"pid":-1}']) {
    await writeFile(`${folder}/lock`, text);
    await (await folderLock.acquire(folder))();
  }
});

test('of many that come at once, exactly one gets it', async () => {
  await writeFile(`${folder}/lock`, '{"pid":999999999,"started":"1","boot":"another"}');
  const results = await Promise.allSettled(Array.from({ length: 10 }, () => folderLock.acquire(folder)));
  const taken = results.filter((result) => result.status === 'fulfilled');
  expect(taken).toHaveLength(1);
  for (const result of results) {
    if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'DISK_IN_USE' });
  }
  await taken[0]!.value();
  expect(await readdir(folder)).toEqual([]);
});

test('a folder that cannot be written is named', async () => {
  await expect(folderLock.acquire(`${folder}/none`)).rejects.toMatchObject({
    code: 'CANNOT_WRITE',
    message: expect.stringContaining(`${folder}/none`),
  });
});
