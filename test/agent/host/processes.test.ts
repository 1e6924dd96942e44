import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { hostProcesses } from '../../../agent/host/processes.ts';

const processes = hostProcesses();
const nobody = new Set<number>();
const mark = { variable: 'ROLLCALL_TEST_MARK', prefix: `${process.pid}:`, oomScoreAdj: 517 };

async function sleeper(env: Record<string, string>) {
  const child = spawn('/bin/sleep', ['100'], { env, stdio: 'ignore' });
  await once(child, 'spawn');
  const ended = once(child, 'exit');
  return { pid: child.pid!, ended, end: () => child.kill('SIGKILL') };
}

test('the list holds this process, with its arguments and its parent', async () => {
  const [list, again] = await Promise.all([processes.list(), processes.list()]);
  expect(again).toBe(list);
  const self = list.find((one) => one.pid === process.pid)!;
  expect(self.parentPid).toBe(process.ppid);
  expect(self.argv.length).toBeGreaterThan(0);
});

test('a marked process is found by its environment and ended, and only by that', async () => {
  const marked = await sleeper({ ROLLCALL_TEST_MARK: `${process.pid}:7` });
  const other = await sleeper({ ROLLCALL_TEST_MARK: 'x' });
  const found = await processes.find(mark, nobody);
  expect(found.map((one) => [one.pid, one.mark, one.name])).toEqual([
    [marked.pid, `${process.pid}:7`, 'sleep'],
  ]);
  expect(processes.kill(found[0]!)).toBe(true);
  expect((await marked.ended)[1]).toBe('SIGKILL');
  expect(await processes.find(mark, nobody)).toEqual([]);
  other.end();
});

/** A process whose parent is gone, as of one that has escaped. */
async function orphan(): Promise<{ readonly pid: number; end(): void }> {
  const parent = spawn('/bin/sh', ['-c', 'env -i sleep 100 >/dev/null & echo $!'], { env: {} });
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  await once(parent, 'exit');
  const pid = Number(text);
  return { pid, end: () => process.kill(pid, 'SIGKILL') };
}

test('one that wiped its environment is found by what it inherited besides', async () => {
  const wiped = await orphan();
  writeFileSync(`/proc/${wiped.pid}/oom_score_adj`, '517');
  expect(await processes.find(mark, nobody)).toMatchObject([{ pid: wiped.pid, mark: null }]);
  wiped.end();
});

test('a helper of the agent, in its group and without a mark, has escaped from nothing', async () => {
  const helper = await sleeper({});
  const fled = await orphan();
  const found = await hostProcesses().find(mark, new Set([helper.pid, fled.pid]));
  expect(found.map((one) => one.pid)).toEqual([fled.pid]);
  helper.end();
  fled.end();
  await helper.ended;
});

test('a number that belongs to another process by now is not killed', async () => {
  const child = await sleeper({ ROLLCALL_TEST_MARK: `${process.pid}:8` });
  const [found] = await processes.find(mark, nobody);
  expect(processes.kill({ ...found!, startTicks: found!.startTicks - 1 })).toBe(false);
  child.end();
  await child.ended;
  expect(processes.kill(found!)).toBe(false);
});

test('a process that begins between two scans is found by the second', async () => {
  const other = hostProcesses();
  expect(await other.find(mark, nobody)).toEqual([]);
  const late = await sleeper({ ROLLCALL_TEST_MARK: `${process.pid}:9` });
  expect(await other.find(mark, nobody)).toMatchObject([{ pid: late.pid }]);
  expect(await other.find(mark, nobody)).toMatchObject([{ pid: late.pid }]);
  late.end();
  await late.ended;
});

test('what another agent on this host runs is none of ours, whatever its memory score', async () => {
  const theirs = await sleeper({ ROLLCALL_TEST_MARK: 'somebody-else:1' });
  writeFileSync(`/proc/${theirs.pid}/oom_score_adj`, '517');
  expect(await hostProcesses().find(mark, nobody)).toEqual([]);
  theirs.end();
  await theirs.ended;
});
