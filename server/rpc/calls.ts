/** The calls of this side that wait for an answer, each with its deadline. */
import { ExpectedError } from '../../proto/errors.ts';
import type { Clock, Timer } from '../../proto/ports.ts';

export const callTimeoutMsDefault = 10_000;
/** Calls without an answer on one connection; the next one is refused with BUSY. */
export const callsWaitingMax = 16_384;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly deadlineMs: number;
  readonly timeOut: () => void;
  readonly unlisten: () => void;
}

/**
 * One timer serves all calls: it is set for the first deadline and moved on when it rings. Calls usually have equal time
 * and are over long before, so under load it is set once in ten seconds.
 */
export class CallTable {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();
  #timer: Timer | null = null;
  #ringsMs = Number.POSITIVE_INFINITY;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** `onGivenUp` runs when nobody waits any more: after the timeout, or when `signal` aborts. */
  wait(
    id: number,
    what: string,
    options: { timeoutMs?: number; signal?: AbortSignal } | undefined,
    onGivenUp: () => void,
  ): Promise<unknown> {
    if (this.#waiting.size >= callsWaitingMax) {
      return Promise.reject(new ExpectedError('BUSY', `${callsWaitingMax} calls wait for their answers`));
    }
    const timeoutMs = options?.timeoutMs ?? callTimeoutMsDefault;
    const signal = options?.signal;
    return new Promise((resolve, reject) => {
      const giveUp = (reason: ExpectedError) => {
        if (this.settle(id) === undefined) return;
        onGivenUp();
        reject(reason);
      };
      const timeOut = () =>
        giveUp(new ExpectedError('TIMEOUT', `rpc error: no answer to ${what} within ${timeoutMs} ms`));
      const onAbort = () => giveUp(new ExpectedError('STOPPING', `${what} was given up`));
      const unlisten = () => signal?.removeEventListener('abort', onAbort);
      signal?.addEventListener('abort', onAbort, { once: true });
      const deadlineMs = this.#clock.nowMs() + timeoutMs;
      this.#waiting.set(id, { resolve, reject, deadlineMs, timeOut, unlisten });
      if (deadlineMs < this.#ringsMs) this.#setTimer(deadlineMs);
      if (signal?.aborted) onAbort();
    });
  }

  /** Takes a call from the table; undefined for an answer that came too late. */
  settle(id: number): Pick<Waiting, 'resolve' | 'reject'> | undefined {
    const call = this.#waiting.get(id);
    if (call === undefined) return undefined;
    call.unlisten();
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#setTimer(Number.POSITIVE_INFINITY);
    return call;
  }

  rejectAll(reason: Error): void {
    for (const id of [...this.#waiting.keys()]) this.settle(id)?.reject(reason);
  }

  #setTimer(atMs: number): void {
    this.#timer?.cancel();
    this.#ringsMs = atMs;
    const isWanted = atMs !== Number.POSITIVE_INFINITY;
    this.#timer = isWanted ? this.#clock.after(atMs - this.#clock.nowMs(), () => this.#ring()) : null;
  }

  #ring(): void {
    // A timer is never early, but the sum of two readings may be, by the last digit.
    const nowMs = Math.max(this.#clock.nowMs(), this.#ringsMs);
    for (const call of [...this.#waiting.values()]) {
      if (call.deadlineMs <= nowMs) call.timeOut();
    }
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { deadlineMs } of this.#waiting.values()) nextMs = Math.min(nextMs, deadlineMs);
    this.#setTimer(nextMs);
  }
}
