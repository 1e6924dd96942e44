/**
 * How many runs may be under way at once, in all and per class. A class is what runs have in common that
 * could run short: processes, connections, threads. Whoever waits starts in the order of arrival, but a full
 * class does not hold up the others.
 */
import { assert } from '../proto/assert.ts';

/** What a run mostly uses. */
export type RunClass = 'process' | 'network' | 'host';

export interface GateLimits {
  readonly runsMax: number;
  readonly runsMaxByClass: Readonly<Record<RunClass, number>>;
}

/** One place in the queue or, once started, one run under way. */
export interface Ticket {
  /** Gives the place up, whether it waits or runs. Twice does nothing. */
  leave(): void;
}

interface Waiting {
  readonly order: number;
  readonly start: () => void;
}

/** The queue needs no bound of its own: a check stands in it at most once. */
export class Gate {
  readonly #limits: GateLimits;
  readonly #running: Record<RunClass, number> = { process: 0, network: 0, host: 0 };
  readonly #waiting: Record<RunClass, Map<object, Waiting>> = {
    process: new Map(),
    network: new Map(),
    host: new Map(),
  };
  #arrivals = 0;

  constructor(limits: GateLimits) {
    this.#limits = limits;
  }

  /** Runs under way, in all. */
  get running(): number {
    return this.#running.process + this.#running.network + this.#running.host;
  }

  get waiting(): number {
    return this.#waiting.process.size + this.#waiting.network.size + this.#waiting.host.size;
  }

  /** Calls `start` now or, when all places are taken, as soon as one is free. */
  enter(runClass: RunClass, start: () => void): Ticket {
    const key = {};
    let held = true;
    const ticket = {
      leave: () => {
        if (!held) return;
        held = false;
        if (this.#waiting[runClass].delete(key)) return;
        this.#running[runClass]--;
        assert(this.#running[runClass] >= 0, 'a run left the gate without having entered');
        this.#admit();
      },
    };
    this.#waiting[runClass].set(key, { order: this.#arrivals++, start });
    this.#admit();
    return ticket;
  }

  #admit(): void {
    for (let next = this.#next(); next !== null; next = this.#next()) {
      const [runClass, key, waiting] = next;
      this.#waiting[runClass].delete(key);
      this.#running[runClass]++;
      waiting.start();
    }
  }

  /** The one that waits longest in a class that has room. */
  #next(): [RunClass, object, Waiting] | null {
    if (this.running >= this.#limits.runsMax) return null;
    let best: [RunClass, object, Waiting] | null = null;
    for (const runClass of ['process', 'network', 'host'] as const) {
      if (this.#running[runClass] >= this.#limits.runsMaxByClass[runClass]) continue;
      const [first] = this.#waiting[runClass];
      if (first !== undefined && (best === null || first[1].order < best[2].order)) {
        best = [runClass, ...first];
      }
    }
    return best;
  }
}
