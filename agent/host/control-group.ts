/**
 * A control group (cgroup v2) of the agent's own, below the one in which it was started. The agent moves into it with its
 * first script; every process born there descends from it, and no `setsid`, no double fork and no wiped environment changes
 * that. So what is in the group and belongs to no run under way has escaped.
 *
 * One group an agent and not one a run: the kernel takes some 10 ms for each move between groups, too much for every script.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { posix } from 'node:path';
import type { ControlGroup } from '../../proto/host-ports.ts';

/** What was killed in the group needs a moment to be gone. */
const removalsMax = 20;
const removalStepMs = 10;

export interface ControlGroupOptions {
  /** The process that moves. Default: this one. */
  readonly pid?: number;
  /** Where `cgroup` and `mountinfo` of that process are read. Default `/proc/self`. */
  readonly proc?: string;
}

/** `owner` names the group over restarts. On a host without a writable cgroup v2 it has no members, ever. */
export function hostControlGroup(owner: string, options: ControlGroupOptions = {}): ControlGroup {
  const { pid = process.pid, proc = '/proc/self' } = options;
  let home: Promise<string | null> | null = null;
  let entering: Promise<boolean> | null = null;
  // Looked up while this process is still where it was started.
  const findHome = () => {
    home ??= homeOf(proc);
    return home;
  };
  const folder = async () => {
    const parent = await findHome();
    return parent === null ? null : posix.join(parent, nameOf(owner));
  };

  return {
    enter: () => {
      entering ??= folder().then((path) => (path === null ? false : enter(path, pid)));
      return entering;
    },
    members: async () => {
      const path = await folder();
      const pids = path === null ? [] : await pidsIn(path);
      return new Set(pids.filter((member) => member !== pid));
    },
    leave: async () => {
      const parent = await findHome();
      if (parent === null) return;
      if (await entering) await writeFile(posix.join(parent, 'cgroup.procs'), `${pid}`).catch(() => {});
      entering = null;
      // Also one that an earlier life has left, when no script ran in this one.
      await remove(posix.join(parent, nameOf(owner)));
    },
  };
}

function nameOf(owner: string): string {
  return `rollcall-${createHash('sha256').update(owner).digest('hex').slice(0, 16)}`;
}

async function enter(folder: string, pid: number): Promise<boolean> {
  try {
    // One that is there was left behind by an earlier life.
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    await writeFile(posix.join(folder, 'cgroup.procs'), `${pid}`);
    return true;
  } catch {
    await rmdir(folder).catch(() => {});
    return false;
  }
}

async function remove(folder: string): Promise<void> {
  for (let tries = 0; tries < removalsMax; tries++) {
    const removed = await rmdir(folder).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'EBUSY',
    );
    if (removed) return;
    await new Promise((resolve) => setTimeout(resolve, removalStepMs));
  }
}

async function pidsIn(folder: string): Promise<number[]> {
  try {
    const text = await readFile(posix.join(folder, 'cgroup.procs'), 'latin1');
    return text.split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Folder of the group in which the process is; null without cgroup v2. See cgroups(7) and proc_pid_mountinfo(5). */
async function homeOf(proc: string): Promise<string | null> {
  try {
    const groups = await readFile(`${proc}/cgroup`, 'utf8');
    const own = groups
      .split('\n')
      .find((line) => line.startsWith('0::'))
      ?.slice(3);
    const mount = mountOf(await readFile(`${proc}/mountinfo`, 'utf8'));
    // A group outside of what this process sees is told with dots.
    if (own === undefined || own.startsWith('/..') || mount === null) return null;
    const within = posix.relative(mount.root, own);
    return within.startsWith('..') ? null : posix.join(mount.at, within);
  } catch {
    return null;
  }
}

function mountOf(mountinfo: string): { readonly root: string; readonly at: string } | null {
  for (const line of mountinfo.split('\n')) {
    const [mount = '', kind = ''] = line.split(' - ');
    if (!kind.startsWith('cgroup2 ')) continue;
    const [, , , root = '', at = ''] = mount.split(' ');
    return { root, at };
  }
  return null;
}
