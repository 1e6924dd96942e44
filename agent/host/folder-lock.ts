/**
 * One process a data folder. Node has no `flock`, so two things stand for it:
 *
 * - on Linux, a socket in the abstract namespace that is named after the folder: the kernel gives it to one process and
 *   takes it back whatever way that process ends;
 * - everywhere, a lock file that names its holder: process id and the time at which that process started, since ids are
 *   used again. A file whose holder is gone is stale and taken over; without the socket, two that do so in the same
 *   instant could both succeed.
 *
 * Holders in another container that share the folder cannot be seen; data folders are not to be shared between containers.
 */
import { link, readFile, rename, stat, unlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { ExpectedError } from '../../proto/errors.ts';
import { cannotWrite } from '../../proto/store/faults.ts';
import type { FolderLock } from '../../proto/store/layout.ts';

interface Holder {
  readonly pid: number;
  /** Clock ticks between boot and start of the process; '' where the system does not tell. */
  readonly started: string;
  /** Ids and start times of processes mean something within one boot only. */
  readonly boot: string;
}

/** Rounds of "stale, so remove it and try again"; more than two need several processes that start and die at once. */
const attemptsMax = 10;

/** Part of a name of our own. */
let acquired = 0;

export const folderLock: FolderLock = {
  async acquire(folder) {
    const socket = process.platform === 'linux' ? await bindSocket(folder) : null;
    try {
      const release = await takeFile(folder);
      return async () => {
        await release();
        socket?.close();
      };
    } catch (error) {
      socket?.close();
      throw error;
    }
  },
};

/** Null where such a socket cannot be had; the file has to do then. */
async function bindSocket(folder: string): Promise<Server | null> {
  const server = createServer((connection) => connection.destroy());
  try {
    const { dev, ino } = await stat(folder);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ path: `\0rollcall-data:${dev}:${ino}` }, resolve);
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return null;
    throw inUse(folder, parseHolder((await readText(`${folder}/lock`)) ?? '')?.pid);
  }
  server.unref();
  return server;
}

async function takeFile(folder: string): Promise<() => Promise<void>> {
  const path = `${folder}/lock`;
  const own = `${path}.${process.pid}.${++acquired}`;
  const { started } = await processOf(process.pid);
  const holder: Holder = { pid: process.pid, started, boot: await bootId() };
  const content = `${JSON.stringify(holder)}\n`;
  try {
    // Made under another name and linked into place, so that nobody ever reads half of it.
    await writeFile(own, content);
  } catch (error) {
    throw cannotWrite(`data_dir ${folder}`, error);
  }
  try {
    await take(folder, path, own);
  } finally {
    await unlink(own);
  }
  return async () => {
    if ((await readText(path)) === content) await unlink(path);
  };
}

async function take(folder: string, path: string, own: string): Promise<void> {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    try {
      await link(own, path);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotWrite(path, error);
    }
    const found = await readText(path);
    if (found === undefined) continue;
    const holder = parseHolder(found);
    if (holder && (await isAlive(holder))) {
      throw inUse(folder, holder.pid);
    }
    await removeStale(path, `${own}.stale`, found);
  }
  throw new ExpectedError(
    'DISK_IN_USE',
    `${folder} is being taken by another process at this moment: try again`,
  );
}

function inUse(folder: string, pid: number | undefined): ExpectedError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  const text = `${folder} is in use by ${who}: stop it first, or choose another data_dir`;
  return new ExpectedError('DISK_IN_USE', text, { data: { pid: pid ?? null } });
}

/** Two of us may have judged the same file: only what was judged is removed, and a newer one is put back. */
async function removeStale(path: string, aside: string, judged: string): Promise<void> {
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  if ((await readText(aside)) !== judged) await link(aside, path).catch(() => {});
  await unlink(aside);
}

async function isAlive(holder: Holder): Promise<boolean> {
  if (holder.boot !== (await bootId())) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  const { state, started } = await processOf(holder.pid);
  // A zombie waits for nothing but its parent, who may never look. Threads that still write would hold the socket.
  return state !== 'Z' && holder.started === started;
}

/**
 * Fields 3 and 22 of /proc/PID/stat, '' where there is none. The second field is the program's name and may hold
 * anything, also spaces and brackets.
 */
async function processOf(pid: number): Promise<{ state: string; started: string }> {
  const stat = (await readText(`/proc/${pid}/stat`)) ?? '';
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return { state: fields[0] ?? '', started: fields[19] ?? '' };
}

async function bootId(): Promise<string> {
  return ((await readText('/proc/sys/kernel/random/boot_id')) ?? '').trim();
}

function parseHolder(text: string): Holder | undefined {
  try {
    const value = JSON.parse(text) as Partial<Holder>;
    if (typeof value.pid !== 'number' || value.pid <= 0) return undefined;
    return { pid: value.pid, started: value.started ?? '', boot: value.boot ?? '' };
  } catch {
    return undefined;
  }
}

async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
