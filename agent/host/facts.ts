/** What this host knows of itself: disks, memory, load, files, users. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, realpath, stat, statfs } from 'node:fs/promises';
import os from 'node:os';
import { pipeline } from 'node:stream/promises';
import type { FileFacts, HostFacts } from '../../proto/host-ports.ts';
import type { HostProcesses } from './processes.ts';

export function hostFacts(processes: Pick<HostProcesses, 'list'>): HostFacts {
  return {
    disk: sharedByKey(disk),
    memory,
    load: () => ({
      averages: os.loadavg() as [number, number, number],
      cpus: os.availableParallelism(),
    }),
    file: sharedByKey(file),
    sha256,
    processes: () => processes.list(),
    user,
    group,
  };
}

/**
 * Questions about one path share an answer that is under way. A file system that hangs (a network share
 * whose server is gone) then holds one thread of ours and not one more with every run.
 */
function sharedByKey<Answer>(ask: (key: string) => Promise<Answer>): (key: string) => Promise<Answer> {
  const underWay = new Map<string, Promise<Answer>>();
  return (key) => {
    let answer = underWay.get(key);
    if (answer === undefined) {
      answer = ask(key).finally(() => underWay.delete(key));
      underWay.set(key, answer);
    }
    return answer;
  };
}

async function disk(path: string): ReturnType<HostFacts['disk']> {
  const { bsize, blocks, bfree, bavail, files, ffree } = await statfs(path);
  // As `df` counts: what is reserved for root is neither free nor part of the whole.
  const reserved = bfree - bavail;
  return {
    totalBytes: (blocks - reserved) * bsize,
    freeBytes: bavail * bsize,
    totalInodes: files,
    freeInodes: ffree,
  };
}

async function memory(): ReturnType<HostFacts['memory']> {
  try {
    const text = await readFile('/proc/meminfo', 'utf8');
    const kibibytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)![1]);
    return { totalBytes: kibibytes('MemTotal') * 1_024, availableBytes: kibibytes('MemAvailable') * 1_024 };
  } catch {
    return { totalBytes: os.totalmem(), availableBytes: os.freemem() };
  }
}

async function file(path: string): Promise<FileFacts> {
  const real = await realpath(path);
  const { mode, uid, mtimeMs } = await stat(real);
  return {
    path: real,
    mode: mode & 0o7777,
    uid,
    isFile: (mode & 0o170000) === 0o100000,
    modifiedMs: mtimeMs,
  };
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

async function user(name: string): ReturnType<HostFacts['user']> {
  const byNumber = /^\d+$/.test(name);
  const line = await lineOf('/etc/passwd', (fields) => fields[byNumber ? 2 : 0] === name);
  if (line !== null) return { uid: Number(line[2]), gid: Number(line[3]), home: line[5] ?? '/' };
  return byNumber ? { uid: Number(name), gid: Number(name), home: '/' } : null;
}

async function group(name: string): Promise<number | null> {
  if (/^\d+$/.test(name)) return Number(name);
  const line = await lineOf('/etc/group', (fields) => fields[0] === name);
  return line === null ? null : Number(line[2]);
}

async function lineOf(path: string, wanted: (fields: string[]) => boolean): Promise<string[] | null> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return (
    text
      .split('\n')
      .map((line) => line.split(':'))
      .find(wanted) ?? null
  );
}
