/**
 * What a script may do, and how it ends with all its children. The spawner ends the process group; whoever
 * left the group is found by the mark of the run, which every process inherits in two places: a variable of
 * the environment, and an odd `oom_score_adj`. A process with the variable is ended. One that wiped the
 * variable might be something else, so it is only counted and named.
 */
import type { HostFacts, MarkedProcess, MarkedProcesses } from '../proto/host-ports.ts';
import type { Clock, Random, Spawner, SpawnRequest, SpawnResult, Timer } from '../proto/ports.ts';
import type { SpecOf } from '../proto/schema/definitions.ts';
import type { RunContext } from './kinds/kind.ts';
import { checkProgram, defaultPath } from './program.ts';

const markVariable = 'ROLLCALL_RUN';
/**
 * Scripts go before the agent when memory runs out. Each agent has a value of its own in this range, which
 * nobody else is likely to use.
 */
const oomScoreAdjMin = 501;
const oomScoreAdjMax = 897;
/** While scripts run, whatever left its group is looked for this often. */
const sweepMs = 10_000;
/** A process that forks faster than it can be found is hunted this many rounds at once. */
const huntRoundsMax = 10;
/** Time between TERM and KILL where the definition gives none. */
const killAfterMs = 2_000;
/** Escaped processes whose names are remembered, so that each is told once. */
const strangersMax = 1_000;
/** Variables that are passed on; the secrets in an agent's environment are not. */
const passedOn = /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LANGUAGE|LC_[A-Z]+|TZ|TMPDIR)$/;

/** What a run needs of its definition; system programs that we call ourselves leave most of it out. */
export type ProgramRequest = Pick<SpecOf<'script'>, 'args' | 'cwd'> & Partial<Omit<SpecOf<'script'>, 'kind'>>;

export interface SandboxOptions {
  readonly spawner: Spawner;
  readonly facts: Pick<HostFacts, 'file' | 'sha256' | 'user' | 'group'>;
  readonly processes: MarkedProcesses;
  readonly clock: Clock;
  readonly random: Random;
  /** Names this agent over restarts (its node id), so that it ends what it left behind when it crashed. */
  readonly owner: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** User of this process. */
  readonly uid: number;
  /** This process is PID 1 and would have to reap what it did not start. */
  readonly isInit: boolean;
  /** A process got away with its mark wiped. */
  readonly onStranger?: (process: MarkedProcess) => void;
}

export type SandboxResult =
  | { readonly ok: true; readonly result: SpawnResult; readonly argv: readonly string[] }
  /** It was not started, and why. */
  | { readonly ok: false; readonly reason: string };

interface Identity {
  readonly uid: number;
  readonly gid: number;
  /** '' when only the group was named. */
  readonly name: string;
  readonly home: string;
}

const noReaper =
  'refused to run scripts: rollcall is PID 1 and cannot reap what they leave behind; start it below an init ' +
  '(docker run --init), or through agent/host/init.sh';

export class Sandbox {
  readonly #options: SandboxOptions;
  readonly #markPrefix: string;
  readonly #instance: string;
  readonly #oomScoreAdj: number;
  readonly #active = new Set<string>();
  readonly #strangers = new Set<string>();
  /** Without a mark in the newest sweep. A process that is just being started looks so for a moment. */
  #suspects = new Set<string>();
  #runs = 0;
  #killed = 0;
  #sweeping: Promise<void> | null = null;
  #sweepAfter: Promise<void> | null = null;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: SandboxOptions) {
    this.#options = options;
    this.#markPrefix = `${options.owner}:`;
    this.#oomScoreAdj = oomScoreAdjOf(options.owner);
    this.#instance = Buffer.from(options.random.bytes(6)).toString('hex');
  }

  /** Escaped processes that were ended, and that could only be named. */
  get escapes(): { readonly killed: number; readonly strangers: number } {
    return { killed: this.#killed, strangers: this.#strangers.size };
  }

  /** Runs a program and comes back when it and all that can be found of its children have ended. */
  async run(request: ProgramRequest, context: RunContext): Promise<SandboxResult> {
    if (this.#options.isInit) return { ok: false, reason: noReaper };
    const identity = await this.#identity(request);
    if (typeof identity === 'string') return { ok: false, reason: identity };
    const env = this.#environment(request, identity);
    const program = await checkProgram(
      { argv: request.args, cwd: request.cwd, path: env.PATH, sha256: request.sha256 ?? '' },
      this.#options.facts,
    );
    if (!program.ok) return program;
    const result = await this.#spawn({
      argv: program.argv,
      cwd: request.cwd,
      env,
      timeoutMs: context.timeoutMs,
      killAfterMs: request.killAfterMs ?? killAfterMs,
      outputBytesMax: context.outputBytesMax,
      oomScoreAdj: this.#oomScoreAdj,
      signal: context.signal,
      ...(identity === null ? {} : { uid: identity.uid, gid: identity.gid }),
      ...(request.nice === undefined ? {} : { nice: request.nice }),
      ...(request.limits === undefined ? {} : { limits: request.limits }),
    });
    return { ok: true, result, argv: program.argv };
  }

  async #spawn(request: SpawnRequest): Promise<SpawnResult> {
    const mark = `${this.#markPrefix}${this.#instance}:${++this.#runs}`;
    this.#active.add(mark);
    let result: SpawnResult;
    try {
      result = await this.#options.spawner.run({ ...request, env: { ...request.env, [markVariable]: mark } });
    } finally {
      this.#active.delete(mark);
    }
    if (result.timedOut || result.outlived) await this.sweep();
    else this.#sweepLater();
    return result;
  }

  /** Ends what escaped from runs that are over, also from those of this agent's life before. */
  sweep(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#sweeping === null) {
      this.#sweeping = this.#hunt().finally(() => {
        this.#sweeping = null;
      });
      return this.#sweeping;
    }
    // The one under way may have passed by already.
    this.#sweepAfter ??= this.#sweeping.then(() => {
      this.#sweepAfter = null;
      return this.sweep();
    });
    return this.#sweepAfter;
  }

  /** Call it when all runs have ended. */
  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#runs > 0) await this.sweep();
  }

  #sweepLater(): void {
    if (this.#stopped) return;
    this.#timer ??= this.#options.clock.after(sweepMs, () => void this.sweep());
  }

  async #hunt(): Promise<void> {
    const { processes } = this.#options;
    const mark = { variable: markVariable, prefix: this.#markPrefix, oomScoreAdj: this.#oomScoreAdj };
    const ended = new Set<string>();
    let found: readonly MarkedProcess[] = [];
    for (let round = 0; round < huntRoundsMax; round++) {
      found = await processes.find(mark);
      const escaped = found.filter((process) => process.mark !== null && !this.#active.has(process.mark));
      for (const process of escaped) if (processes.kill(process)) ended.add(nameOf(process));
      if (escaped.length === 0) break;
    }
    this.#killed += ended.size;
    this.#nameStrangers(found);
  }

  /** Whoever wiped the mark, does not descend from a run under way, and is there for the second time. */
  #nameStrangers(found: readonly MarkedProcess[]): void {
    const suspects = new Set<string>();
    const byPid = new Map(found.map((process) => [process.pid, process]));
    for (const process of found) {
      let ancestor: MarkedProcess | undefined = process;
      for (let steps = 0; ancestor?.mark === null && steps < found.length; steps++) {
        ancestor = byPid.get(ancestor.parentPid);
      }
      if (ancestor !== undefined && ancestor.mark !== null) continue;
      const name = nameOf(process);
      suspects.add(name);
      if (!this.#suspects.has(name)) continue;
      if (this.#strangers.has(name) || this.#strangers.size >= strangersMax) continue;
      this.#strangers.add(name);
      this.#options.onStranger?.(process);
    }
    this.#suspects = suspects;
  }

  /** Null: the agent's own user. A text says what there is not. */
  async #identity({ user = '', group = '' }: ProgramRequest): Promise<Identity | string | null> {
    const { facts } = this.#options;
    if (user === '' && group === '') return null;
    const account = user === '' ? null : await facts.user(user);
    if (user !== '' && account === null) return `there is no user "${user}" on this host`;
    const gid = group === '' ? account!.gid : await facts.group(group);
    if (gid === null) return `there is no group "${group}" on this host`;
    return { uid: account?.uid ?? this.#options.uid, gid, name: user, home: account?.home ?? '' };
  }

  #environment(
    request: ProgramRequest,
    identity: Identity | null,
  ): { PATH: string } & Record<string, string> {
    const env: { PATH: string } & Record<string, string> = { PATH: defaultPath };
    const allowed = new Set(request.envAllow ?? []);
    for (const [name, value] of Object.entries(this.#options.environment)) {
      if (value !== undefined && (passedOn.test(name) || allowed.has(name))) env[name] = value;
    }
    if (identity !== null && identity.name !== '') {
      Object.assign(env, { HOME: identity.home, USER: identity.name, LOGNAME: identity.name });
    }
    return Object.assign(env, request.env);
  }
}

/** A process number alone is given to another process one day. */
function nameOf({ pid, startTicks }: MarkedProcess): string {
  return `${pid}@${startTicks}`;
}

function oomScoreAdjOf(owner: string): number {
  let hash = 0;
  for (const letter of owner) hash = (hash * 31 + letter.codePointAt(0)!) >>> 0;
  return oomScoreAdjMin + (hash % (oomScoreAdjMax - oomScoreAdjMin + 1));
}
