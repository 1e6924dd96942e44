import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { textOf } from '../../checks/output.ts';
import type { SandboxResult } from '../../checks/sandbox.ts';
import { context, nap, pidsWith, realSandbox, script, shell, until } from './real-host.ts';

function said(result: SandboxResult): string {
  return result.ok ? textOf(result.result.output) : `refused: ${result.reason}`;
}

test('a script sees PATH and the like, what its definition gives it, and no secret of the agent', async () => {
  const environment = { PATH: '/usr/bin:/bin', LANG: 'C', SECRET: 'x', PROXY: 'y', LC_ALL: 'C' };
  const { sandbox } = realSandbox({ environment });
  const spec = script(['/usr/bin/env'], { env: { ONE: '1' }, env_allow: ['PROXY'] });
  const names = said(await sandbox.run(spec, context()))
    .trim()
    .split('\n')
    .map((line) => line.split('=')[0])
    .toSorted();
  expect(names).toEqual(['LANG', 'LC_ALL', 'ONE', 'PATH', 'PROXY', 'ROLLCALL_RUN']);
});

test('who left the group with setsid is found by its mark and ended with the run', async () => {
  const { sandbox } = realSandbox();
  const sleep = nap();
  const result = await sandbox.run(shell(`setsid sleep ${sleep} & sleep 0.05; echo done`), context());
  expect(said(result)).toBe('done\n');
  await until(() => pidsWith(sleep).length === 0);
  expect(sandbox.escapes).toEqual({ killed: 1, strangers: 0 });
});

test('a double fork that holds nothing open is found by the next sweep', async () => {
  const { sandbox } = realSandbox();
  const sleep = nap();
  const flight = `(setsid sh -c 'sleep ${sleep} >/dev/null 2>&1 </dev/null & exit' >/dev/null 2>&1 &) ; sleep 0.05`;
  await sandbox.run(shell(flight), context());
  await until(() => pidsWith(sleep).length === 1);
  await sandbox.sweep();
  await until(() => pidsWith(sleep).length === 0);
});

test('the sweep leaves runs under way alone', async () => {
  const { sandbox } = realSandbox();
  const run = sandbox.run(shell('sleep 0.2; echo alive'), context());
  await new Promise((resolve) => setTimeout(resolve, 80));
  await sandbox.sweep();
  expect(said(await run)).toBe('alive\n');
});

test('who wiped its mark is counted and named, once, and not killed', async () => {
  const { sandbox, strangers } = realSandbox();
  const sleep = nap();
  await sandbox.run(shell(`setsid env -i /bin/sleep ${sleep} >/dev/null 2>&1 & sleep 0.1`), context());
  await sandbox.sweep();
  await sandbox.sweep();
  expect(strangers).toMatchObject([{ name: 'sleep', argv: ['/bin/sleep', sleep], mark: null }]);
  expect(sandbox.escapes).toEqual({ killed: 0, strangers: 1 });
  process.kill(strangers[0]!.pid, 'SIGKILL');
});

test('a child without the mark is no stranger while its run is under way', async () => {
  const { sandbox, strangers } = realSandbox();
  const run = sandbox.run(shell('env -i /bin/sleep 0.3; echo done'), context());
  await new Promise((resolve) => setTimeout(resolve, 120));
  await sandbox.sweep();
  expect(said(await run)).toBe('done\n');
  expect(strangers).toEqual([]);
});

test('an agent that starts anew ends what it left behind when it crashed', async () => {
  const owner = `test-crash-${process.pid}`;
  const sleep = nap();
  const flight = `setsid sleep ${sleep} >/dev/null 2>&1 & sleep 0.05`;
  await realSandbox({ owner }).sandbox.run(shell(flight), context());
  await until(() => pidsWith(sleep).length === 1);
  await realSandbox({ owner: 'somebody-else' }).sandbox.sweep();
  expect(pidsWith(sleep)).toHaveLength(1);
  await realSandbox({ owner }).sandbox.sweep();
  await until(() => pidsWith(sleep).length === 0);
});

test('as PID 1 it refuses scripts and says what to do', async () => {
  const { sandbox } = realSandbox({ isInit: true });
  expect(said(await sandbox.run(shell('true'), context()))).toMatch(
    /^refused: refused to run scripts: .*--init/,
  );
});

test('a user or group that does not exist is a reason, not a crash', async () => {
  const { sandbox } = realSandbox();
  expect(said(await sandbox.run(shell('true', { user: 'nobody-here' }), context()))).toBe(
    'refused: there is no user "nobody-here" on this host',
  );
  expect(said(await sandbox.run(shell('true', { group: 'nobody-here' }), context()))).toBe(
    'refused: there is no group "nobody-here" on this host',
  );
});

test.runIf(process.getuid?.() === 0)('it runs as another user with the home of that one', async () => {
  const { sandbox } = realSandbox();
  const result = await sandbox.run(shell('id -u; echo $HOME $USER', { user: 'nobody' }), context());
  const [, , uid, , , home] = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith('nobody:'))!
    .split(':');
  expect(said(result)).toBe(`${uid}\n${home} nobody\n`);
});

test('a script may delete the folder that it runs in', async () => {
  const { sandbox } = realSandbox();
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rollcall-cwd-'));
  const result = await sandbox.run(shell('rmdir "$PWD"; echo gone', { cwd: folder }), context());
  expect(said(result)).toBe('gone\n');
  expect(await sandbox.run(shell('true', { cwd: folder }), context())).toMatchObject({
    ok: true,
    result: { startError: 'ENOENT' },
  });
  rmSync(folder, { recursive: true, force: true });
});
