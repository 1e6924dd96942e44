/**
 * Raft's unit of time. A pause of the process, however long, counts as one tick: nobody could be heard during it, so it
 * says nothing about the others, and what a lease promised is void.
 */
import type { Clock, Timer } from '../proto/ports.ts';

export class Ticker {
  readonly #clock: Clock;
  readonly #tickMs: number;
  readonly #onTick: (tick: { readonly isLate: boolean }) => void;
  #dueMs = 0;
  #timer: Timer | null = null;

  constructor(clock: Clock, tickMs: number, onTick: (tick: { readonly isLate: boolean }) => void) {
    this.#clock = clock;
    this.#tickMs = tickMs;
    this.#onTick = onTick;
  }

  start(): void {
    this.#dueMs = this.#clock.nowMs();
    this.#schedule();
  }

  stop(): void {
    this.#timer?.cancel();
  }

  /** More than a whole tick is overdue: the process slept, and whatever runs now runs before the tick that is due. */
  get isLate(): boolean {
    return this.#clock.nowMs() - this.#dueMs > this.#tickMs;
  }

  #schedule(): void {
    const nowMs = this.#clock.nowMs();
    this.#dueMs = (this.isLate ? nowMs : this.#dueMs) + this.#tickMs;
    this.#timer = this.#clock.after(Math.max(0, this.#dueMs - nowMs), () => {
      const { isLate } = this;
      this.#schedule();
      this.#onTick({ isLate });
    });
  }
}
