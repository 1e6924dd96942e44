/**
 * Runs a program in a process group of its own and always comes back: TERM and then KILL for the whole group
 * when its time is up, KILL for what it leaves behind when it ends, and no waiting for an output that
 * somebody else holds open. What leaves the group is not found here but by its mark (`marked-processes.ts`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import type { Readable } from 'node:stream';
import { OutputKeeper } from '../../checks/output.ts';
import { lazy } from '../../proto/lazy.ts';
import type { Spawner, SpawnLimits, SpawnRequest, SpawnResult } from '../../proto/ports.ts';

/** An agent without scripts does not pay for it. */
const loadExeca = lazy(() => import('execa'));
/** What is in the pipes when the process ends is read for this long. */
const drainMs = 200;
/** After a KILL only the kernel can hold a process; then it is left to itself. */
const unkillableMs = 5_000;
/** A killed process needs a moment to be gone. */
const burialMsMax = 100;
const burialStepMs = 2;
/** An agent that stops has no more time than this. */
const killAfterAbortMsMax = 1_000;
/** Reading stops for the rest of a window when it brought so much: the writer waits, and everybody else does not. */
const windowMs = 16;
const windowBytesMax = 1_048_576;

export function hostSpawner(): Spawner {
  return { run };
}

async function run(request: SpawnRequest): Promise<SpawnResult> {
  const { execa } = await loadExeca();
  const startedAt = performance.now();
  const keeper = new OutputKeeper(request.outputBytesMax);
  const [program, ...args] = withLimits(request.argv, request.limits);
  const start = () =>
    execa(program!, args, {
      ...(request.cwd === undefined ? {} : { cwd: request.cwd }),
      ...(request.uid === undefined ? {} : { uid: request.uid }),
      ...(request.gid === undefined ? {} : { gid: request.gid }),
      env: request.env,
      extendEnv: false,
      stdin: 'ignore',
      detached: true,
      cleanup: false,
      buffer: false,
      reject: false,
    });
  const child = startWith(request.oomScoreAdj, start);
  const settled = child.catch(() => undefined);
  if (child.pid === undefined) return notStarted(await settled, performance.now() - startedAt);

  const group = new ProcessGroup(child.pid);
  if (request.nice !== undefined && request.nice !== 0) group.renice(request.nice);
  const pipes = [child.stdout, child.stderr].map((stream) => new Pipe(stream, keeper));
  const ended = new Promise<Pick<SpawnResult, 'exitCode' | 'signal'>>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });

  const watch = watchTime(request, group);
  const end = await Promise.race([ended, watch.gaveUp]);
  watch.stop();
  const durationMs = performance.now() - startedAt;
  const outlived = group.signal('SIGKILL');
  const closed = await Promise.all(pipes.map((pipe) => pipe.close()));
  if (outlived) await group.gone();
  return {
    ...end,
    timedOut: watch.timedOut(),
    durationMs,
    output: keeper.bytes(),
    outputBytes: keeper.totalBytes,
    outlived: outlived || closed.includes(false),
  };
}

/** A group is named by its first process, and lives as long as any process in it. */
class ProcessGroup {
  readonly #pid: number;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** False when nothing is left in the group. */
  signal(signal: NodeJS.Signals | 0): boolean {
    try {
      return process.kill(-this.#pid, signal);
    } catch (error) {
      // EPERM: it is there, but runs as somebody whom we may not touch.
      return (error as NodeJS.ErrnoException).code === 'EPERM';
    }
  }

  /** Waits a moment until the kernel has buried the group; zombies that nobody reaps are not waited for. */
  async gone(): Promise<void> {
    for (let waitedMs = 0; waitedMs < burialMsMax && this.signal(0); waitedMs += burialStepMs) {
      await new Promise((resolve) => setTimeout(resolve, burialStepMs));
    }
  }

  /** Not allowed to be less nice? Then it runs as it is: the check matters more than its priority. */
  renice(nice: number): void {
    try {
      os.setPriority(this.#pid, nice);
    } catch {}
  }
}

/** One of the two outputs: read in bounded gulps, and let go of when the process has ended. */
class Pipe {
  readonly #stream: Readable;
  readonly #ended: Promise<boolean>;
  #windowStart = 0;
  #windowBytes = 0;
  #pause: NodeJS.Timeout | null = null;
  #closing = false;

  constructor(stream: Readable, keeper: OutputKeeper) {
    this.#stream = stream;
    this.#ended = new Promise((resolve) => {
      stream.once('close', () => resolve(true));
      stream.once('end', () => resolve(true));
      stream.once('error', () => resolve(true));
    });
    stream.on('data', (chunk: Uint8Array) => {
      keeper.push(chunk);
      this.#throttle(chunk.length);
    });
  }

  #throttle(bytes: number): void {
    const now = performance.now();
    if (now - this.#windowStart >= windowMs) {
      this.#windowStart = now;
      this.#windowBytes = 0;
    }
    this.#windowBytes += bytes;
    if (this.#windowBytes < windowBytesMax || this.#pause !== null || this.#closing) return;
    this.#stream.pause();
    this.#pause = setTimeout(() => {
      this.#pause = null;
      this.#stream.resume();
    }, windowMs);
  }

  /** Reads what is left; false when somebody still holds the other end. */
  async close(): Promise<boolean> {
    this.#closing = true;
    if (this.#pause !== null) clearTimeout(this.#pause);
    this.#stream.resume();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, drainMs, false);
    });
    const closed = await Promise.race([this.#ended, late]);
    clearTimeout(timer);
    this.#stream.destroy();
    return closed;
  }
}

interface Watch {
  /** Resolves when not even KILL ended the process. */
  readonly gaveUp: Promise<Pick<SpawnResult, 'exitCode' | 'signal'>>;
  timedOut(): boolean;
  stop(): void;
}

/** TERM when the time is up or the request is aborted, then KILL. The first reason is the one that is kept. */
function watchTime(request: SpawnRequest, group: ProcessGroup): Watch {
  let reason: 'timeout' | 'abort' | null = null;
  let timer: NodeJS.Timeout | undefined;
  let giveUp: (end: Pick<SpawnResult, 'exitCode' | 'signal'>) => void = () => {};
  const gaveUp = new Promise<Pick<SpawnResult, 'exitCode' | 'signal'>>((resolve) => {
    giveUp = resolve;
  });
  const kill = () => {
    group.signal('SIGKILL');
    timer = setTimeout(giveUp, unkillableMs, { exitCode: null, signal: 'SIGKILL' });
  };
  const terminate = (why: 'timeout' | 'abort', killAfterMs: number) => {
    if (reason !== null) return;
    reason = why;
    clearTimeout(timer);
    group.signal('SIGTERM');
    // A stopped process would not see the TERM before it goes on.
    group.signal('SIGCONT');
    timer = setTimeout(kill, killAfterMs);
  };
  const onAbort = () => terminate('abort', Math.min(request.killAfterMs, killAfterAbortMsMax));
  timer = setTimeout(() => terminate('timeout', request.killAfterMs), request.timeoutMs);
  request.signal?.addEventListener('abort', onAbort, { once: true });
  if (request.signal?.aborted) onAbort();
  return {
    gaveUp,
    timedOut: () => reason === 'timeout',
    stop: () => {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
    },
  };
}

const ownOomScoreAdj = '/proc/self/oom_score_adj';

/**
 * A child inherits the value of its parent, and its own children fork before anybody could set theirs. So
 * this process takes the value on for the moment of the start. Raising it and going back needs no right.
 */
function startWith<Child>(oomScoreAdj: number | undefined, start: () => Child): Child {
  const own = oomScoreAdj === undefined ? null : readOwnOomScoreAdj();
  if (own === null) return start();
  writeOwnOomScoreAdj(String(oomScoreAdj));
  try {
    return start();
  } finally {
    writeOwnOomScoreAdj(own);
  }
}

/** Null where there is none: this is no Linux. */
function readOwnOomScoreAdj(): string | null {
  try {
    return readFileSync(ownOomScoreAdj, 'latin1').trim();
  } catch {
    return null;
  }
}

/** A host that forbids it only loses the second mark of a run. */
function writeOwnOomScoreAdj(value: string): void {
  try {
    writeFileSync(ownOomScoreAdj, value);
  } catch {}
}

/** The limits are set by a shell that then becomes the program; Node has no call for it. */
function withLimits(argv: readonly string[], limits: SpawnLimits | undefined): readonly string[] {
  const lines = limits === undefined ? [] : limitLines(limits);
  return lines.length === 0 ? argv : ['/bin/sh', '-c', `${lines.join(' && ')} && exec "$@"`, 'sh', ...argv];
}

/** `ulimit` counts memory in units of 1,024 bytes and files in blocks of 512. */
function limitLines({ memoryBytes, openFiles, fileBytes, cpuSeconds }: SpawnLimits): string[] {
  const lines: string[] = [];
  if (memoryBytes !== null) lines.push(`ulimit -v ${Math.ceil(memoryBytes / 1_024)}`);
  if (openFiles !== null) lines.push(`ulimit -n ${openFiles}`);
  if (fileBytes !== null) lines.push(`ulimit -f ${Math.ceil(fileBytes / 512)}`);
  if (cpuSeconds !== null) lines.push(`ulimit -t ${cpuSeconds}`);
  return lines;
}

function notStarted(result: unknown, durationMs: number): SpawnResult {
  const { code, originalMessage } = (result ?? {}) as { code?: string; originalMessage?: string };
  return {
    exitCode: null,
    signal: null,
    startError: code ?? originalMessage ?? 'UNKNOWN',
    timedOut: false,
    durationMs,
    output: new Uint8Array(),
    outputBytes: 0,
  };
}
