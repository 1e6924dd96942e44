/** The calls of this side that wait for an answer, each with its deadline. */
import { ExpectedError } from '../../proto/errors.ts';
import type { Clock, Timer } from '../../proto/ports.ts';

export const callTimeoutMsDefault = 10_000;
/** Calls without an answer on one connection; the next one is refused with BUSY. */
export const callsWaitingMax = 16_384;

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (reason: unknown) => void;
  readonly stopWaiting: () => void;
}

export class CallTable {
  readonly #clock: Clock;
  readonly #waiting = new Map<number, Waiting>();

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
      const giveUp = (reason: unknown) => {
        if (this.settle(id) === undefined) return;
        onGivenUp();
        reject(reason);
      };
      const timer: Timer = this.#clock.after(timeoutMs, () => {
        giveUp(new ExpectedError('TIMEOUT', `rpc error: no answer to ${what} within ${timeoutMs} ms`));
      });
      const onAbort = () => giveUp(new ExpectedError('STOPPING', `${what} was given up`));
      signal?.addEventListener('abort', onAbort, { once: true });
      const stopWaiting = () => {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
      };
      this.#waiting.set(id, { resolve, reject, stopWaiting });
      if (signal?.aborted) onAbort();
    });
  }

  /** Takes a call from the table; undefined for an answer that came too late. */
  settle(id: number): Pick<Waiting, 'resolve' | 'reject'> | undefined {
    const call = this.#waiting.get(id);
    call?.stopWaiting();
    this.#waiting.delete(id);
    return call;
  }

  rejectAll(reason: Error): void {
    for (const id of [...this.#waiting.keys()]) this.settle(id)?.reject(reason);
  }
}
