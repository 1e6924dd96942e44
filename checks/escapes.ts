/**
 * Finds what left the process group of its run. Every process inherits the mark of its run in two places, a variable of
 * the environment and an odd `oom_score_adj`, and where the host has control groups it is born in that of the agent:
 *
 * | has the variable | in the agent's group | |
 * | --- | --- | --- |
 * | yes | either | ended, as soon as its run is over |
 * | wiped | yes | ended, as soon as every run that was under way when it was first seen is over; named |
 * | wiped | no, but the odd `oom_score_adj` | it might be something else: only counted and named |
 */
import type { ControlGroup, MarkedProcess, MarkedProcesses } from '../proto/host-ports.ts';
import type { Clock, Random, Timer } from '../proto/ports.ts';

export const markVariable = 'ROLLCALL_RUN';
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
/** Processes with a wiped mark whose names are remembered, so that each is told once. */
const strangersMax = 1_000;

export interface EscapesOptions {
  readonly processes: MarkedProcesses;
  readonly group: ControlGroup;
  readonly clock: Clock;
  readonly random: Random;
  /** Names this agent over restarts (its node id), so that it ends what it left behind when it crashed. */
  readonly owner: string;
  /**
   * A process got away with its mark wiped. What stands in the agent's group has been ended then, and of those with the same
   * program only the first is told: a script may leave one behind with every run.
   */
  readonly onStranger?: (process: MarkedProcess) => void;
}

/** What a run passes on to all that it starts. */
export interface RunMarks {
  /** Value of `markVariable`. */
  readonly mark: string;
  readonly oomScoreAdj: number;
}

interface Suspect {
  readonly runs: ReadonlySet<string>;
  /** It was there in a sweep before. */
  readonly again: boolean;
}

export class Escapes {
  readonly #options: EscapesOptions;
  readonly #markPrefix: string;
  readonly #instance: string;
  readonly #oomScoreAdj: number;
  readonly #active = new Set<string>();
  readonly #strangers = new Set<string>();
  /** Names of programs of which one was ended without a mark. */
  readonly #programs = new Set<string>();
  /**
   * Processes without a mark, by name, with the runs that may have begun them. A process that is just being started looks
   * so for a moment.
   */
  #suspects = new Map<string, Suspect>();
  #runs = 0;
  #killed = 0;
  #sweeping: Promise<void> | null = null;
  #sweepAfter: Promise<void> | null = null;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(options: EscapesOptions) {
    this.#options = options;
    this.#markPrefix = `${options.owner}:`;
    this.#oomScoreAdj = oomScoreAdjOf(options.owner);
    this.#instance = Buffer.from(options.random.bytes(6)).toString('hex');
  }

  /** Escaped processes that were ended, and that could only be named. */
  get counts(): { readonly killed: number; readonly strangers: number } {
    return { killed: this.#killed, strangers: this.#strangers.size };
  }

  /** A run begins; call `end` with its mark whatever becomes of it. */
  async begin(): Promise<RunMarks> {
    await this.#options.group.enter();
    const mark = `${this.#markPrefix}${this.#instance}:${++this.#runs}`;
    this.#active.add(mark);
    return { mark, oomScoreAdj: this.#oomScoreAdj };
  }

  /** `suspicious`: something outlived it, so whoever escaped is looked for at once. */
  async end(mark: string, suspicious: boolean): Promise<void> {
    this.#active.delete(mark);
    if (suspicious) await this.sweep();
    else this.#sweepLater();
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
    await this.#options.group.leave();
  }

  #sweepLater(): void {
    if (this.#stopped) return;
    this.#timer ??= this.#options.clock.after(sweepMs, () => void this.sweep());
  }

  async #hunt(): Promise<void> {
    const { processes, group } = this.#options;
    const mark = { variable: markVariable, prefix: this.#markPrefix, oomScoreAdj: this.#oomScoreAdj };
    const ended = new Set<string>();
    let found: readonly MarkedProcess[] = [];
    for (let round = 0; round < huntRoundsMax; round++) {
      const active = new Set(this.#active);
      found = await processes.find(mark, await group.members());
      this.#suspect(found, active);
      const escaped = found.filter((process) => this.#hasEscaped(process));
      for (const process of escaped) {
        if (!processes.kill(process)) continue;
        if (process.mark === null) this.#tellEnded(process);
        ended.add(nameOf(process));
      }
      if (escaped.length === 0) break;
    }
    this.#killed += ended.size;
    this.#nameStrangers(found);
  }

  #tellEnded(process: MarkedProcess): void {
    if (this.#programs.has(process.name) || this.#programs.size >= strangersMax) return;
    this.#programs.add(process.name);
    this.#options.onStranger?.(process);
  }

  /** Notes which runs may have begun those without a mark: all that were under way when they were first seen. */
  #suspect(found: readonly MarkedProcess[], activeBefore: ReadonlySet<string>): void {
    for (const process of found) {
      if (process.mark !== null || this.#suspects.has(nameOf(process))) continue;
      this.#suspects.set(nameOf(process), {
        runs: new Set([...activeBefore, ...this.#active]),
        again: false,
      });
    }
  }

  #hasEscaped(process: MarkedProcess): boolean {
    if (process.mark !== null) return !this.#active.has(process.mark);
    if (!process.inGroup) return false;
    const { runs } = this.#suspects.get(nameOf(process))!;
    return [...runs].every((run) => !this.#active.has(run));
  }

  /** Whoever wiped the mark, is no part of a run under way, and is there for the second time. */
  #nameStrangers(found: readonly MarkedProcess[]): void {
    const { onStranger } = this.#options;
    const before = this.#suspects;
    this.#suspects = new Map();
    const byPid = new Map(found.map((process) => [process.pid, process]));
    for (const process of found) {
      if (process.mark !== null || descendsFromMarked(process, byPid)) continue;
      const name = nameOf(process);
      const suspect = before.get(name)!;
      this.#suspects.set(name, { ...suspect, again: true });
      if (process.inGroup && !this.#hasEscaped(process)) continue;
      if (!suspect.again || this.#strangers.has(name) || this.#strangers.size >= strangersMax) continue;
      this.#strangers.add(name);
      onStranger?.(process);
    }
    const undecided = [...this.#suspects.keys()].some((name) => !this.#strangers.has(name));
    if (undecided) this.#sweepLater();
  }
}

function descendsFromMarked(process: MarkedProcess, byPid: ReadonlyMap<number, MarkedProcess>): boolean {
  let ancestor: MarkedProcess | undefined = process;
  for (let steps = 0; ancestor?.mark === null && steps < byPid.size; steps++) {
    ancestor = byPid.get(ancestor.parentPid);
  }
  return ancestor !== undefined && ancestor.mark !== null;
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
