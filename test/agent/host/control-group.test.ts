import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { hostControlGroup } from '../../../agent/host/control-group.ts';
import { nap, pidsWith, until } from '../../checks/real-host.ts';
import { hasControlGroups } from '../../control-group.ts';

const title = 'a real control group';
const real = await hasControlGroups(title);

function groupOf(pid: number): string {
  return readFileSync(`/proc/${pid}/cgroup`, 'utf8').match(/^0::(.*)$/m)?.[1] ?? '';
}

/** Stands in for an agent: reads lines of shell and runs them. */
async function shell(): Promise<ChildProcess> {
  const child = spawn('/bin/sh', { stdio: ['pipe', 'ignore', 'ignore'] });
  await once(child, 'spawn');
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

/** Its number is looked for once: in the moment in which one program becomes the next, a process has no command line. */
async function napping(nap: string): Promise<number> {
  let pid: number | undefined;
  await until(() => {
    pid ??= pidsWith(nap)[0];
    return pid !== undefined;
  });
  onTestFinished(() => {
    for (const left of pidsWith(nap)) process.kill(left, 'SIGKILL');
  });
  return pid!;
}

test.runIf(real)(`${title} holds whatever its process starts, and nothing else`, async () => {
  const child = await shell();
  const [early, late] = [nap(), nap()];
  const home = groupOf(child.pid!);
  child.stdin!.write(`setsid sleep ${early} &\n`);
  const earlyPid = await napping(early);
  const group = hostControlGroup('node-1', { pid: child.pid!, proc: `/proc/${child.pid}` });
  expect(await group.enter()).toBe(true);
  expect(await group.enter()).toBe(true);
  expect(groupOf(child.pid!)).toMatch(/\/rollcall-[0-9a-f]{16}$/);
  expect(await group.members()).toEqual(new Set());

  child.stdin!.write(`env -i setsid sleep ${late} &\n`);
  const latePid = await napping(late);
  expect(await group.members()).toEqual(new Set([latePid]));
  // Another life of the same agent sees it as well, from outside.
  expect(await hostControlGroup('node-1').members()).toEqual(new Set([child.pid!, latePid]));

  for (const pid of [earlyPid, latePid]) process.kill(pid, 'SIGKILL');
  await group.leave();
  expect(groupOf(child.pid!)).toBe(home);
  expect(await hostControlGroup('node-1').members()).toEqual(new Set());
});

/** A host that only exists in files, seen by its process 7. */
function invented(cgroup: string, mountinfo: string) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'rollcall-cgroup-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(path.join(folder, 'cgroup'), cgroup);
  writeFileSync(path.join(folder, 'mountinfo'), mountinfo.replaceAll('MOUNT', `${folder}/fs`));
  mkdirSync(`${folder}/fs/system/agent.service`, { recursive: true });
  return { group: hostControlGroup('node-1', { pid: 7, proc: folder }), fs: `${folder}/fs` };
}

const mount = '41 31 0:38 / MOUNT rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n';
const others = '22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 0:26 / MOUNT/cpu rw - cgroup cgroup rw,cpu\n';

test.each([
  ['beside those of version 1', '9:name=systemd:/\n1:cpu:/\n0::/system/agent.service\n', others + mount],
  ['alone', '0::/system/agent.service\n', mount],
  [
    'below a mount of a part',
    '0::/docker/agent.service\n',
    mount.replace(' / MOUNT', ' /docker MOUNT/system'),
  ],
])('the group is made below the one of the process: %s', async (_name, cgroup, mountinfo) => {
  const { group, fs } = invented(cgroup, mountinfo);
  expect(await group.enter()).toBe(true);
  const [name] = readdirSync(`${fs}/system/agent.service`);
  expect(readFileSync(`${fs}/system/agent.service/${name}/cgroup.procs`, 'utf8')).toBe('7');
  writeFileSync(`${fs}/system/agent.service/${name}/cgroup.procs`, '7\n8\n');
  expect(await group.members()).toEqual(new Set([8]));
});

test.each([
  ['without version 2', '1:cpu:/\n', others],
  ['that is not mounted', '0::/system\n', others],
  ['of a process whose group lies outside of what it sees', '0::/../elsewhere\n', mount],
  ['that is gone', '0::/nowhere/at/all\n', mount.replaceAll('MOUNT', '/proc/self/nothing')],
])('a host %s has no group', async (_name, cgroup, mountinfo) => {
  const { group } = invented(cgroup, mountinfo);
  expect(await group.enter()).toBe(false);
  expect(await group.members()).toEqual(new Set());
  await group.leave();
});
