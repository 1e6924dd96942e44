/**
 * One check at work: its timers, its run, its state. It never runs twice at once, and every run ends: should
 * a kind not come back in its time, the result is critical without it.
 */
import { createHash } from 'node:crypto';
import type { Clock, Timer } from '../proto/ports.ts';
import type { CheckDefinition } from '../proto/schema/definitions.ts';
import {
  atOnce,
  becomeStale,
  type CheckState,
  newState,
  type ResultStatus,
  receiveResult,
  shiftState,
} from './check.ts';
import type { Gate, Ticket } from './gate.ts';
import type { Kinds, Outcome } from './kinds/kind.ts';
import { boundNote, boundText } from './output.ts';
import { runOnce } from './run-once.ts';
import {
  firstRunMsMax,
  firstStartMs,
  nextStartMs,
  staleAtMs,
  type Timetable,
  timetableOf,
} from './schedule.ts';
import type { ChangeCause, CheckView, RunReport, SavedCheck, StatusChange } from './view.ts';

/** Times of day are looked up again this often: the wall clock may have been set. */
const cronLookMs = 60_000;
/** Room for the sentence around an output that a kind has bounded already. */
const sentenceBytesMax = 2_048;

/** The agent's own limits on what is kept of outputs. */
export interface OutputLimits {
  readonly bytesMax: number;
  /** Keep nothing at all (Consul's `discard_check_output`). */
  readonly discard: boolean;
}

/** What one check needs of the runner. */
export interface LiveCheckHost {
  readonly node: string;
  readonly clock: Clock;
  readonly kinds: Kinds;
  readonly gate: Gate;
  /** As they are now; a reload may change them. */
  outputLimits(): OutputLimits;
  onChange(change: StatusChange): void;
  onRun(report: RunReport): void;
}

interface Run {
  ticket: Ticket | null;
  readonly abort: AbortController;
  readonly ended: Promise<Outcome | null>;
  readonly end: (outcome: Outcome | null) => void;
  startedAtMs: number | null;
}

export class LiveCheck {
  readonly definition: CheckDefinition;
  /** Equal definitions have equal fingerprints. */
  readonly fingerprint: string;
  readonly #host: LiveCheckHost;
  readonly #timetable: Timetable;
  readonly #fed: boolean;
  #state: CheckState;
  #output = '';
  #changeOutput = '';
  #changedWallMs: number;
  #resultWallMs: number | null = null;
  #restored = false;
  #outcome: Outcome | null = null;
  #durationMs: number | null = null;
  #run: Run | null = null;
  #nextRun: Timer | null = null;
  #deadline: { readonly atMs: number; readonly timer: Timer } | null = null;
  #startedAtMs = 0;
  #stopped = false;

  constructor(host: LiveCheckHost, definition: CheckDefinition, fed: boolean) {
    this.definition = definition;
    this.fingerprint = fingerprintOf(definition);
    this.#host = host;
    this.#timetable = timetableOf(host.node, definition);
    this.#fed = fed;
    this.#state = newState(host.clock.nowMs(), definition.initialStatus ?? 'pending');
    this.#changedWallMs = host.clock.wallMs();
  }

  /** Takes over what was known before: of the same definition all of it, else the status until the next result. */
  takeOver(saved: SavedCheck, afterRestart: boolean): void {
    const { clock } = this.#host;
    const same = saved.fingerprint === this.fingerprint;
    const { status, changedWallMs, resultWallMs } = saved;
    const state: CheckState = {
      status,
      result: same ? saved.result : null,
      successes: same ? saved.successes : 0,
      failures: same ? saved.failures : 0,
      changedAtMs: changedWallMs,
      resultAtMs: same ? resultWallMs : null,
    };
    // Ages are differences of wall times; a clock that was set back must not make a result of the future.
    const wallMs = Math.max(clock.wallMs(), resultWallMs ?? 0, changedWallMs);
    this.#state = shiftState(state, clock.nowMs() - wallMs);
    this.#output = saved.output;
    this.#changeOutput = saved.changeOutput;
    this.#changedWallMs = changedWallMs;
    this.#resultWallMs = resultWallMs;
    this.#restored = afterRestart && resultWallMs !== null;
  }

  start(): void {
    if (this.#stopped) return;
    this.#startedAtMs = this.#nowMs();
    if (!this.#fed) this.#scheduleRun(firstStartMs(this.#timetable, this.#now()));
    this.#watchDeadline();
  }

  /** Cancels timers, ends a run under way and waits for its end. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#nextRun?.cancel();
    this.#deadline?.timer.cancel();
    const run = this.#run;
    if (run === null) return;
    run.abort.abort();
    if (run.startedAtMs === null) this.#endRun(run, null);
    await run.ended;
  }

  /** Runs now, or joins the run under way; null when the check was stopped meanwhile or is fed from outside. */
  runNow(): Promise<Outcome | null> {
    if (this.#stopped || this.#fed) return Promise.resolve(null);
    this.#nextRun?.cancel();
    return (this.#run ?? this.#enterGate(this.#host.clock.nowMs())).ended;
  }

  /** A status from outside: of a client that feeds a TTL, or of what an alias follows. */
  feed(status: ResultStatus, output: string, cause: ChangeCause): void {
    const bytesMax = this.#outputBytesMax();
    this.#take(receiveResult(this.#state, atOnce, status, this.#nowMs()), boundNote(output, bytesMax), cause);
    this.#watchDeadline();
  }

  view(): CheckView {
    const { status, result, successes, failures } = this.#state;
    return {
      definition: this.definition,
      status,
      result,
      successes,
      failures,
      output: this.#output,
      changeOutput: this.#changeOutput,
      outcome: this.#outcome,
      changedWallMs: this.#changedWallMs,
      resultWallMs: this.#resultWallMs,
      running: this.#run !== null,
      restored: this.#restored,
      durationMs: this.#durationMs,
    };
  }

  save(): SavedCheck {
    const { status, result, successes, failures } = this.#state;
    return {
      id: this.definition.id,
      fingerprint: this.fingerprint,
      status,
      result,
      successes,
      failures,
      output: this.#output,
      changeOutput: this.#changeOutput,
      changedWallMs: this.#changedWallMs,
      resultWallMs: this.#resultWallMs,
    };
  }

  #scheduleRun(atMs: number): void {
    this.#nextRun?.cancel();
    this.#nextRun = null;
    if (atMs === Number.POSITIVE_INFINITY || this.#stopped) return;
    const delayMs = Math.max(0, atMs - this.#nowMs());
    const early = this.#timetable.nextWallMs !== null && delayMs > cronLookMs;
    this.#nextRun = this.#host.clock.after(early ? cronLookMs : delayMs, () => {
      if (early) this.#scheduleRun(firstStartMs(this.#timetable, this.#now()));
      else if (this.#run === null) this.#enterGate(atMs);
    });
  }

  /** Waits for a place and then runs. `dueAtMs` is when it should have started. */
  #enterGate(dueAtMs: number): Run {
    let end: Run['end'] = () => {};
    const ended = new Promise<Outcome | null>((resolve) => {
      end = resolve;
    });
    const run: Run = { ticket: null, abort: new AbortController(), ended, end, startedAtMs: null };
    this.#run = run;
    const runClass = this.#host.kinds.classOf(this.definition.spec.kind);
    run.ticket = this.#host.gate.enter(runClass, () => void this.#begin(run, dueAtMs));
    return run;
  }

  async #begin(run: Run, dueAtMs: number): Promise<void> {
    const startedAtMs = this.#nowMs();
    run.startedAtMs = startedAtMs;
    const outcome = await runOnce(this.#host, this.definition, this.#outputBytesMax(), run.abort);
    if (!this.#stopped) this.#receive(outcome, startedAtMs, Math.max(0, startedAtMs - dueAtMs));
    this.#endRun(run, this.#stopped ? null : outcome);
  }

  #endRun(run: Run, outcome: Outcome | null): void {
    this.#run = null;
    run.ticket?.leave();
    if (!this.#stopped && run.startedAtMs !== null) {
      this.#scheduleRun(nextStartMs(this.#timetable, this.#state, run.startedAtMs, this.#now()));
      this.#watchDeadline();
    }
    run.end(outcome);
  }

  #receive(outcome: Outcome, startedAtMs: number, startDelayMs: number): void {
    const nowMs = this.#nowMs();
    this.#outcome = outcome;
    this.#durationMs = nowMs - startedAtMs;
    const output = boundText(outcome.output, this.#outputBytesMax() + sentenceBytesMax);
    this.#take(receiveResult(this.#state, this.definition, outcome.status, nowMs), output, 'check');
    this.#host.onRun({ definition: this.definition, outcome, durationMs: this.#durationMs, startDelayMs });
  }

  #take(next: CheckState, said: string, cause: ChangeCause): void {
    const output = this.#host.outputLimits().discard ? '' : said;
    const from = this.#state.status;
    const wallMs = this.#host.clock.wallMs();
    this.#state = next;
    this.#output = output;
    if (cause !== 'stale') {
      this.#resultWallMs = wallMs;
      this.#restored = false;
    }
    if (from === next.status) return;
    this.#changeOutput = output;
    this.#changedWallMs = wallMs;
    this.#host.onChange({ definition: this.definition, from, to: next.status, output, cause, wallMs });
  }

  /** Sets one timer for when the newest result is too old. It looks again when it fires, so most results need not touch it. */
  #watchDeadline(): void {
    const atMs = this.#deadlineMs();
    if (this.#stopped || atMs === Number.POSITIVE_INFINITY) return;
    if (this.#deadline !== null && this.#deadline.atMs <= atMs) return;
    this.#deadline?.timer.cancel();
    const timer = this.#host.clock.after(Math.max(0, atMs - this.#nowMs()), () => {
      this.#deadline = null;
      if (this.#deadlineMs() <= this.#nowMs()) this.#onDeadline();
      else this.#watchDeadline();
    });
    this.#deadline = { atMs, timer };
  }

  #deadlineMs(): number {
    const { spec, timeoutMs } = this.definition;
    if (spec.kind === 'ttl') return (this.#state.resultAtMs ?? this.#startedAtMs) + spec.ttlMs;
    if (this.#fed || this.#state.status === 'stale') return Number.POSITIVE_INFINITY;
    // A result from before the start is not called stale until the first run has had its chance.
    const chanceMs = this.#startedAtMs + firstRunMsMax + timeoutMs;
    return Math.max(chanceMs, staleAtMs(this.#timetable, this.#state, this.#now()));
  }

  #onDeadline(): void {
    const nowMs = this.#nowMs();
    if (this.definition.spec.kind === 'ttl') {
      this.#take(receiveResult(this.#state, atOnce, 'critical', nowMs), expiredText(this.#output), 'ttl');
      return;
    }
    // A run under way decides; it ends by itself, and then the deadline is a new one.
    if (this.#run?.startedAtMs != null) return;
    this.#take(becomeStale(this.#state, nowMs), this.#output, 'stale');
  }

  #outputBytesMax(): number {
    const own = this.definition.outputBytesMax ?? Number.POSITIVE_INFINITY;
    return Math.min(own, this.#host.outputLimits().bytesMax);
  }

  #nowMs(): number {
    return this.#host.clock.nowMs();
  }

  #now(): { nowMs: number; wallMs: number } {
    return { nowMs: this.#nowMs(), wallMs: this.#host.clock.wallMs() };
  }
}

/**
 * Equal definitions have equal fingerprints: they are built with their keys in one order. A digest, because fingerprints
 * are written to disk and a definition may hold secrets.
 */
export function fingerprintOf(definition: CheckDefinition): string {
  return createHash('sha256').update(JSON.stringify(definition)).digest('hex');
}

const expired = 'TTL expired';

/** In the words of Consul; what was said before is kept, but not said twice. */
function expiredText(output: string): string {
  if (output === '' || output.startsWith(expired)) return output || expired;
  return `${expired} (last output before timeout follows): ${output}`;
}
