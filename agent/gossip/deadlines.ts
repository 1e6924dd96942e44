/**
 * All waiting of one core in one heap, with one armed timer of the world's clock; there is no timer per member.
 *
 * Time in which we did not run is not time in which others were silent. When the earliest deadline comes up late by
 * `stallMs` or more, the process was stopped, starved or collecting garbage: all deadlines move by that much, so the
 * answers that wait unread in the sockets are read before anybody is judged. `nowMs` is therefore *running* time.
 */
import { assert } from '../../proto/assert.ts';
import type { Clock, Timer } from '../../proto/ports.ts';
import { type Due, DueHeap } from './due-heap.ts';

/** Lateness that timers have anyway; less than this is not even worth another turn of the event loop. */
const punctualMs = 5;

export interface Deadline {
  /** Harmless when it has come already. */
  cancel(): void;
}

class Entry implements Deadline, Due {
  readonly dueMs: number;
  readonly order: number;
  readonly #onCancelled: () => void;
  run: (() => void) | null;

  constructor(dueMs: number, order: number, run: () => void, onCancelled: () => void) {
    this.dueMs = dueMs;
    this.order = order;
    this.run = run;
    this.#onCancelled = onCancelled;
  }

  cancel(): void {
    if (this.run === null) return;
    this.run = null;
    this.#onCancelled();
  }
}

export class Deadlines {
  readonly #clock: Clock;
  readonly #stallMs: number;
  readonly #onStall: (stallMs: number) => void;
  readonly #heap = new DueHeap<Entry>();
  #order = 0;
  #skippedMs = 0;
  /** Running time does not go backwards while a stall is being made good. */
  #floorMs = 0;
  #armed: Timer | null = null;
  #armedForMs = Number.POSITIVE_INFINITY;
  #yielded = false;
  /** While due entries run, each may set others; the timer is armed once, at the end. */
  #running = false;
  #stopped = false;

  constructor(options: { clock: Clock; stallMs: number; onStall: (stallMs: number) => void }) {
    this.#clock = options.clock;
    this.#stallMs = options.stallMs;
    this.#onStall = options.onStall;
    this.#floorMs = options.clock.nowMs();
  }

  /** Milliseconds that this process has run; takes a stall back when it is noticed. */
  nowMs(): number {
    return Math.max(this.#floorMs, this.#clock.nowMs() - this.#skippedMs);
  }

  /** Unix time of an earlier moment that `nowMs` gave. */
  wallMsOf(momentMs: number): number {
    return Math.round(this.#clock.wallMs() - (this.nowMs() - momentMs));
  }

  after(delayMs: number, run: () => void): Deadline {
    assert(delayMs >= 0, `a delay of ${delayMs} ms`);
    this.noticeStall();
    this.#order += 1;
    const entry = new Entry(this.nowMs() + delayMs, this.#order, run, this.#onCancelled);
    this.#heap.push(entry);
    this.#arm();
    return entry;
  }

  /** Called at every entrance, so that a packet is never weighed with the clock of before a stall. */
  noticeStall(): void {
    const head = this.#heap.first;
    if (head === undefined) return;
    const lateMs = this.#clock.nowMs() - this.#skippedMs - head.dueMs;
    if (lateMs < this.#stallMs) return;
    this.#floorMs = Math.max(this.#floorMs, head.dueMs);
    // The same again as a grace in which the sockets are read.
    this.#skippedMs += lateMs + this.#stallMs;
    this.#yielded = false;
    this.#arm();
    this.#onStall(lateMs);
  }

  /** Nothing is due any more. */
  stop(): void {
    this.#stopped = true;
    this.#armed?.cancel();
    this.#heap.clear();
  }

  /** Nobody is woken for what has been cancelled; most waits are, because most answers come. */
  readonly #onCancelled = (): void => {
    if (this.#running || this.#yielded || this.#heap.first?.run !== null) return;
    while (this.#heap.first?.run === null) this.#heap.pop();
    this.#arm();
  };

  #arm(): void {
    const head = this.#heap.first;
    if (head === undefined || this.#running || this.#stopped) return;
    const dueMs = head.dueMs + this.#skippedMs;
    if (this.#armed !== null && this.#armedForMs === dueMs) return;
    this.#armed?.cancel();
    this.#armedForMs = dueMs;
    this.#armed = this.#clock.after(Math.max(0, dueMs - this.#clock.nowMs()), this.#onTimer);
  }

  readonly #onTimer = (): void => {
    this.#armed = null;
    this.noticeStall();
    if (this.#armed !== null) return;
    const head = this.#heap.first;
    if (head === undefined) return;
    const lateMs = this.nowMs() - head.dueMs;
    if (lateMs >= punctualMs && !this.#yielded && this.#stallMs !== Number.POSITIVE_INFINITY) {
      // A little late: what lies in the sockets may be the very answer that this deadline waits for.
      this.#yielded = true;
      this.#armedForMs = Number.NaN;
      this.#armed = this.#clock.after(0, this.#onTimer);
      return;
    }
    this.#yielded = false;
    this.#running = true;
    this.#runDue();
    this.#running = false;
    this.#arm();
  };

  #runDue(): void {
    const nowMs = this.nowMs();
    for (;;) {
      const head = this.#heap.first;
      // Clocks may ring a fraction early; that is no reason to come back.
      if (head === undefined || head.dueMs > nowMs + 0.5) return;
      this.#heap.pop();
      const { run } = head;
      head.run = null;
      run?.();
    }
  }
}
