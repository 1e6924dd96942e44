import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hostSpawner } from '../../../agent/host/spawner.ts';
import { textOf } from '../../../checks/output.ts';
import type { SpawnRequest, SpawnResult } from '../../../proto/ports.ts';

const spawner = hostSpawner();
const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };

function sh(script: string, more: Partial<SpawnRequest> = {}): Promise<SpawnResult> {
  return spawner.run({
    argv: ['/bin/sh', '-c', script],
    env,
    timeoutMs: 5_000,
    killAfterMs: 100,
    outputBytesMax: 4_096,
    ...more,
  });
}

/** Living processes (no zombies) whose command line holds the text. */
function alive(text: string): number {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0').includes(text);
    } catch {
      return false;
    }
  }).length;
}

/** A number of seconds that no other process sleeps. */
let unique = 0;
function nap(): string {
  unique += 1;
  return `${300 + unique}.${process.pid}`;
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

test('exit code, output of both streams and duration come back', async () => {
  const result = await sh('echo out; echo err >&2; exit 3');
  expect(result).toMatchObject({ exitCode: 3, signal: null, timedOut: false, outlived: false });
  expect(textOf(result.output).split('\n').toSorted()).toEqual(['', 'err', 'out']);
  expect(result.outputBytes).toBe(8);
  expect(result.durationMs).toBeGreaterThan(0);
});

test('arguments go to the program as they are, without a shell', async () => {
  const argv = ['/bin/echo', '$HOME', '`id`', 'a  b', '*'];
  const result = await sh('', { argv });
  expect(textOf(result.output)).toBe('$HOME `id` a  b *\n');
});

test('the environment is the given one and nothing else', async () => {
  const result = await sh('', { argv: ['/usr/bin/env'], env: { ONE: '1' } });
  expect(textOf(result.output)).toBe('ONE=1\n');
});

test('a missing program and a missing folder are start errors', async () => {
  expect(await sh('', { argv: ['/no/such/program'] })).toMatchObject({
    startError: 'ENOENT',
    exitCode: null,
  });
  expect(await sh('true', { cwd: '/no/such/folder' })).toMatchObject({ startError: 'ENOENT' });
  expect(await sh('', { argv: ['/etc/passwd'] })).toMatchObject({ startError: 'EACCES' });
});

test('death by a signal is told', async () => {
  expect(await sh('kill -9 $$')).toMatchObject({ exitCode: null, signal: 'SIGKILL', timedOut: false });
});

test('a timeout ends the whole group, and what was said until then is kept', async () => {
  const sleep = nap();
  const result = await sh(`echo begin; sleep ${sleep} & sleep ${sleep}`, { timeoutMs: 150 });
  expect(result).toMatchObject({ timedOut: true, signal: 'SIGTERM' });
  expect(textOf(result.output)).toBe('begin\n');
  expect(alive(sleep)).toBe(0);
});

test('who ignores TERM is killed', async () => {
  const sleep = nap();
  const result = await sh(`trap '' TERM; echo deaf; while :; do sleep ${sleep}; done`, { timeoutMs: 150 });
  expect(result).toMatchObject({ timedOut: true, signal: 'SIGKILL' });
  expect(alive(sleep)).toBe(0);
});

test('who stops itself is woken to die', async () => {
  const result = await sh('kill -STOP $$; echo never', { timeoutMs: 150 });
  expect(result).toMatchObject({ timedOut: true, signal: 'SIGTERM' });
});

test('who closes its output and runs on is waited for, and ended in time', async () => {
  const sleep = nap();
  const result = await sh(`exec >&- 2>&-; sleep ${sleep}`, { timeoutMs: 150 });
  expect(result.timedOut).toBe(true);
  expect(alive(sleep)).toBe(0);
});

test('a child left in the background is killed with its group, and nobody waits for the pipe it holds', async () => {
  const sleep = nap();
  const result = await sh(`sleep ${sleep} & echo done`);
  expect(result).toMatchObject({ exitCode: 0, timedOut: false, outlived: true });
  expect(textOf(result.output)).toBe('done\n');
  expect(result.durationMs).toBeLessThan(2_000);
  expect(alive(sleep)).toBe(0);
});

test('who left the group and holds the pipe does not hold the result', async () => {
  const sleep = nap();
  const result = await sh(`setsid sleep ${sleep} & sleep 0.05; echo done; echo $!`);
  expect(result).toMatchObject({ exitCode: 0, outlived: true });
  const [, pid] = textOf(result.output).split('\n');
  process.kill(Number(pid), 'SIGKILL');
});

test('a hundred megabytes of output are bounded, and the end of them is kept', async () => {
  const result = await sh('head -c 100000000 /dev/zero | tr "\\0" z; echo END', { timeoutMs: 20_000 });
  expect(result).toMatchObject({ exitCode: 0, outputBytes: 100_000_004 });
  expect(result.output.length).toBeLessThan(4_200);
  expect(textOf(result.output)).toMatch(/^z+\n\.\.\. cut \d+ of 100000004 bytes \.\.\.\nz+END\n$/);
});

test('limits of memory, files and size hold for the program', async () => {
  const limits = { memoryBytes: 64 * 1_048_576, openFiles: 32, fileBytes: 1_024, cpuSeconds: 7 };
  const result = await sh('ulimit -v; ulimit -n; ulimit -f; ulimit -t', { limits });
  expect(textOf(result.output).trim().split('\n')).toEqual(['65536', '32', '2', '7']);
});

test('a nice program is nice', async () => {
  const result = await sh('sleep 0.05; nice', { nice: 5 });
  expect(textOf(result.output)).toBe('5\n');
});

test('an abort ends it as a timeout does, but is none', async () => {
  const abort = new AbortController();
  const sleep = nap();
  setTimeout(() => abort.abort(), 50);
  const result = await sh(`sleep ${sleep}`, { signal: abort.signal });
  expect(result).toMatchObject({ timedOut: false, signal: 'SIGTERM' });
  const late = await sh(`sleep ${sleep}`, { signal: abort.signal });
  expect(late.signal).toBe('SIGTERM');
});

test('no descriptor is left behind', async () => {
  await sh('true');
  const before = openFiles();
  for (let round = 0; round < 5; round++) {
    await Promise.all([
      sh('true'),
      sh('sleep 0.2 & exit 1'),
      sh('sleep 5', { timeoutMs: 20 }),
      sh('', { argv: ['/no'] }),
    ]);
  }
  expect(openFiles()).toBeLessThanOrEqual(before + 1);
});

test.runIf(process.getuid?.() === 0)('it can run as somebody else', async () => {
  const result = await sh('id -u; id -g; id -G', { uid: 65_534, gid: 65_534 });
  expect(textOf(result.output).trim().split('\n')).toEqual(['65534', '65534', '65534']);
});
