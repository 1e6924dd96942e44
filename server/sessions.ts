/**
 * Results of writes that carried an Idempotency-Key. A retry after a lost answer finds the first answer here,
 * at whichever server, because the table is part of the state machine. Results go by the time of the commands,
 * never by a server's own clock, so all servers forget the same ones at the same entry.
 */
import type { Once } from '../proto/rpc.ts';
import type { Outcome } from './fsm/outcome.ts';

export interface KeptResult {
  readonly once: Once;
  /** Time of the command, Unix milliseconds. */
  readonly timeMs: number;
  readonly outcome: Outcome;
}

export interface SessionLimits {
  /** Default 24 h. */
  readonly keptMs: number;
  /** Default 100,000; beyond it the oldest go first. */
  readonly keptMax: number;
}

export const sessionLimits: SessionLimits = { keptMs: 24 * 60 * 60 * 1000, keptMax: 100_000 };

export class Sessions {
  readonly #limits: SessionLimits;
  /** Oldest first: a Map keeps the order in which results came, which is the order of the log. */
  readonly #results = new Map<string, KeptResult>();

  constructor(limits: SessionLimits = sessionLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#results.size;
  }

  /** What the first write with this key was answered, unless that was too long before `timeMs`. */
  find(once: Once, timeMs: number): Outcome | undefined {
    const kept = this.#results.get(keyOf(once));
    return kept === undefined || this.#isOver(kept, timeMs) ? undefined : kept.outcome;
  }

  keep(result: KeptResult): void {
    const key = keyOf(result.once);
    this.#results.delete(key);
    this.#results.set(key, result);
    this.#forget(result.timeMs);
  }

  /** Oldest first, for a snapshot. */
  all(): KeptResult[] {
    return [...this.#results.values()];
  }

  #forget(timeMs: number): void {
    for (const [key, kept] of this.#results) {
      if (this.#results.size <= this.#limits.keptMax && !this.#isOver(kept, timeMs)) return;
      this.#results.delete(key);
    }
  }

  #isOver(kept: KeptResult, timeMs: number): boolean {
    return timeMs - kept.timeMs > this.#limits.keptMs;
  }
}

/** A zero byte cannot stand in a header, so no two pairs share a key. */
function keyOf(once: Once): string {
  return `${once.client}\0${once.key}`;
}
