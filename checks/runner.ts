/**
 * All checks of this host: what is added, replaced and removed, how many run at once, and what survives a
 * restart. A definition that did not change keeps its state, its phase and its timers.
 */
import type { Clock } from '../proto/ports.ts';
import type { CheckDefinition } from '../proto/schema/definitions.ts';
import type { ResultStatus } from './check.ts';
import { Gate, type GateLimits } from './gate.ts';
import type { Kinds, Outcome } from './kinds/kind.ts';
import { fingerprintOf, LiveCheck, type LiveCheckHost, type OutputLimits } from './live-check.ts';
import type { ChangeCause, CheckView, RunReport, SavedCheck, StatusChange } from './view.ts';

/** Scripts that hang cost little, so they may be many; threads for looking at the host are few. */
export const defaultGateLimits: GateLimits = {
  runsMax: 300,
  runsMaxByClass: { process: 50, network: 250, host: 16 },
};

/** Consul's `check_output_max_size`. */
export const defaultOutputBytesMax = 4_096;

export interface CheckRunnerOptions {
  /** Name of this node; with the check's id it fixes the phase. */
  readonly node: string;
  readonly clock: Clock;
  readonly kinds: Kinds;
  /** Each change of a status, in order. */
  readonly onChange: (change: StatusChange) => void;
  /** Each finished run. */
  readonly onRun?: (report: RunReport) => void;
  readonly limits?: GateLimits;
  readonly outputBytesMax?: number;
  readonly discardOutput?: boolean;
}

export class CheckRunner {
  readonly #options: CheckRunnerOptions;
  readonly #gate: Gate;
  readonly #checks = new Map<string, LiveCheck>();
  /** Read at the start and not taken up yet. */
  #saved = new Map<string, SavedCheck>();
  /** Runs of removed checks that have not ended yet. */
  readonly #ending = new Set<Promise<void>>();
  #outputLimits: OutputLimits;
  #stopped = false;

  constructor(options: CheckRunnerOptions) {
    this.#options = options;
    this.#gate = new Gate(options.limits ?? defaultGateLimits);
    const { outputBytesMax = defaultOutputBytesMax, discardOutput = false } = options;
    this.#outputLimits = { bytesMax: outputBytesMax, discard: discardOutput };
  }

  /** Counts from the next result on. */
  setOutputLimits(limits: OutputLimits): void {
    this.#outputLimits = limits;
  }

  /** Hands over the states from before a restart; call it before the checks are put. */
  restore(saved: readonly SavedCheck[]): void {
    this.#saved = new Map(saved.map((check) => [check.id, check]));
  }

  /** All states, for the next start. */
  snapshot(): SavedCheck[] {
    return [...this.#checks.values()].map((check) => check.save());
  }

  /** Adds a check or replaces the one of that id; the status stays until the next result. */
  put(definition: CheckDefinition): 'added' | 'replaced' | 'unchanged' {
    const before = this.#checks.get(definition.id);
    if (before?.fingerprint === fingerprintOf(definition)) return 'unchanged';
    const check = new LiveCheck(this.#host(), definition, this.#isFed(definition));
    const restored = this.#saved.get(definition.id);
    this.#saved.delete(definition.id);
    if (before !== undefined) check.takeOver(before.save(), false);
    else if (restored !== undefined) check.takeOver(restored, true);
    this.#checks.set(definition.id, check);
    if (this.#stopped) return before === undefined ? 'added' : 'replaced';
    if (before === undefined) {
      check.start();
      return 'added';
    }
    // A check never runs beside itself, not even beside what it was before.
    this.#end(before, () => check.start());
    return 'replaced';
  }

  /** False when there is no such check. */
  remove(id: string): boolean {
    const check = this.#checks.get(id);
    if (check === undefined) return false;
    this.#checks.delete(id);
    this.#end(check, () => {});
    return true;
  }

  /** Ends all runs, with everything they started. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const check of this.#checks.values()) this.#end(check, () => {});
    while (this.#ending.size > 0) await Promise.all(this.#ending);
  }

  /** Runs a check now or joins its run under way; null when it cannot be run. */
  runNow(id: string): Promise<Outcome | null> {
    return this.#checks.get(id)?.runNow() ?? Promise.resolve(null);
  }

  /** A status from outside; false when there is no such check. */
  feed(id: string, status: ResultStatus, output: string, cause: ChangeCause): boolean {
    const check = this.#checks.get(id);
    check?.feed(status, output, cause);
    return check !== undefined;
  }

  view(id: string): CheckView | undefined {
    return this.#checks.get(id)?.view();
  }

  views(): CheckView[] {
    return [...this.#checks.values()].map((check) => check.view());
  }

  /** Runs under way and waiting, for the metrics. */
  load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#gate.running, waiting: this.#gate.waiting };
  }

  #end(check: LiveCheck, then: () => void): void {
    const ended = check.stop().then(() => {
      this.#ending.delete(ended);
      then();
    });
    this.#ending.add(ended);
  }

  #host(): LiveCheckHost {
    const { node, clock, kinds, onChange, onRun = () => {} } = this.#options;
    return {
      node,
      clock,
      kinds,
      gate: this.#gate,
      outputLimits: () => this.#outputLimits,
      onChange,
      onRun,
    };
  }

  /** Not run, but told: by clients, or by the agent that knows what an alias of its own node follows. */
  #isFed({ spec }: CheckDefinition): boolean {
    if (spec.kind === 'alias') return spec.node === '' || spec.node === this.#options.node;
    return spec.kind === 'ttl';
  }
}
