/**
 * Processes of this host, read from `/proc`. One file after the other and never twice at once: a process that
 * the kernel holds may hold its reader, and that must not cost more than one thread.
 */
import { readFileSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import type { MarkedProcess, MarkedProcesses, ProcessFacts, RunMark } from '../../proto/host-ports.ts';

export interface HostProcesses extends MarkedProcesses {
  list(): Promise<readonly ProcessFacts[]>;
}

export function hostProcesses(): HostProcesses {
  const list = oneAtATime(listProcesses);
  const scans = new Map<string, MarkScan>();
  let busy: Promise<unknown> = Promise.resolve();
  return {
    list,
    find: (mark, members) => {
      const key = `${mark.variable}=${mark.prefix}`;
      const scan = scans.get(key) ?? new MarkScan(mark);
      scans.set(key, scan);
      const found = busy.then(() => scan.find(members));
      busy = found.catch(() => {});
      return found;
    },
    kill: killProcess,
  };
}

/** A process number may be given to another process; that one is looked at after so many scans at the latest. */
const scansUntilFull = 10;

/**
 * Looks for one mark again and again. A mark is inherited at birth, so a process without it stays without it,
 * and most scans look at the new processes only. A child of this very process has escaped from nothing: without a mark it is
 * a helper, such as the one that reads the configuration, or a script that wiped its mark and ends with its run.
 */
class MarkScan {
  readonly #mark: RunMark;
  #innocent = new Set<number>();
  #scans = 0;

  constructor(mark: RunMark) {
    this.#mark = mark;
  }

  async find(members: ReadonlySet<number>): Promise<readonly MarkedProcess[]> {
    const { variable, prefix, oomScoreAdj } = this.#mark;
    const before = this.#scans++ % scansUntilFull === 0 ? new Set<number>() : this.#innocent;
    const innocent = new Set<number>();
    const found: MarkedProcess[] = [];
    for (const pid of await pids()) {
      if (pid === process.pid) continue;
      const inGroup = members.has(pid);
      const seen =
        before.has(pid) && !inGroup ? foreign : markIn(await textOf(pid, 'environ'), variable, prefix);
      // Nobody in the group passes for somebody else's by changing his mark.
      const mark = inGroup && seen === foreign ? null : seen;
      const wiped = mark === null && (inGroup || Number(await textOf(pid, 'oom_score_adj')) === oomScoreAdj);
      if (mark === foreign || (mark === null && !wiped)) {
        innocent.add(pid);
        continue;
      }
      const facts = await factsOf(pid);
      if (facts === null || (mark === null && facts.parentPid === process.pid)) continue;
      found.push({ ...facts, mark, inGroup });
    }
    this.#innocent = innocent;
    return found;
  }
}

/** Who asks while an answer is under way gets that one. */
function oneAtATime<Answer>(ask: () => Promise<Answer>): () => Promise<Answer> {
  let underWay: Promise<Answer> | null = null;
  return () => {
    underWay ??= ask().finally(() => {
      underWay = null;
    });
    return underWay;
  };
}

async function listProcesses(): Promise<readonly ProcessFacts[]> {
  const found: ProcessFacts[] = [];
  for (const pid of await pids()) {
    const facts = await factsOf(pid);
    if (facts !== null) found.push(facts);
  }
  return found;
}

/** The mark of another agent on this host. */
const foreign = Symbol('foreign');

/** Null when the environment has no such variable. */
function markIn(environ: string, variable: string, prefix: string): string | typeof foreign | null {
  const line = environ.includes(`${variable}=`)
    ? environ.split('\0').find((entry) => entry.startsWith(`${variable}=`))
    : undefined;
  if (line === undefined) return null;
  const value = line.slice(variable.length + 1);
  return value.startsWith(prefix) ? value : foreign;
}

function killProcess(wanted: ProcessFacts): boolean {
  try {
    // The number may belong to somebody else by now.
    const stat = statOf(readFileSync(`/proc/${wanted.pid}/stat`, 'latin1'));
    return stat.startTicks === wanted.startTicks && process.kill(wanted.pid, 'SIGKILL');
  } catch {
    return false;
  }
}

async function pids(): Promise<number[]> {
  try {
    return (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  } catch {
    return [];
  }
}

/** Null for a zombie, and for a process that is gone by now. */
async function factsOf(pid: number): Promise<ProcessFacts | null> {
  const text = await textOf(pid, 'stat');
  if (text === '') return null;
  const stat = statOf(text);
  if (stat.state === 'Z' || stat.state === 'X') return null;
  const argv = (await textOf(pid, 'cmdline')).split('\0').slice(0, -1);
  const { startTicks, parentPid, name } = stat;
  return { pid, startTicks, parentPid, name, argv };
}

/** '' when the process is gone or not ours to look at. */
async function textOf(pid: number, file: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return '';
  }
}

/** See proc_pid_stat(5). The name stands in parentheses and may hold anything, parentheses too. */
function statOf(text: string): { name: string; state: string; parentPid: number; startTicks: number } {
  const nameEnd = text.lastIndexOf(')');
  const fields = text.slice(nameEnd + 2).split(' ');
  return {
    name: text.slice(text.indexOf('(') + 1, nameEnd),
    state: fields[0]!,
    parentPid: Number(fields[1]),
    startTicks: Number(fields[19]),
  };
}
