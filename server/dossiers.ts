/**
 * What the accusers sent about their verdicts. A dossier comes beside the verdict and may be a moment earlier or later:
 * whoever is about to write the verdict down waits a little for it.
 */
import type { Clock, Timer } from '../proto/ports.ts';

export interface Dossier {
  readonly node: string;
  readonly nodeId: string;
  /** Incarnation of the member about which the verdict fell. */
  readonly incarnation: number;
  readonly evidence: unknown;
}

/** Nodes whose newest dossier is kept; the oldest go. */
const keptMax = 2_000;

interface Waiter {
  readonly accepts: (dossier: Dossier) => boolean;
  readonly settle: (dossier: Dossier | null) => void;
}

export class Dossiers {
  readonly #clock: Clock;
  readonly #kept = new Map<string, Dossier>();
  readonly #waiting = new Map<string, Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Keeps it for whoever asks. False when nobody was waiting for it. */
  receive(dossier: Dossier): boolean {
    this.#kept.delete(dossier.node);
    this.#kept.set(dossier.node, dossier);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptMax) break;
      this.#kept.delete(oldest);
    }
    const waiter = this.#waiting.get(dossier.node);
    if (waiter === undefined || !waiter.accepts(dossier)) return false;
    waiter.settle(dossier);
    return true;
  }

  /** A dossier that is accepted: at once when it is there, else what comes within `waitMs`, else null. One waiter a node. */
  wait(node: string, waitMs: number, accepts: (dossier: Dossier) => boolean): Promise<Dossier | null> {
    const kept = this.#kept.get(node);
    if (kept !== undefined && accepts(kept)) return Promise.resolve(kept);
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const settle = (dossier: Dossier | null) => {
        timer?.cancel();
        this.#waiting.delete(node);
        resolve(dossier);
      };
      timer = this.#clock.after(waitMs, () => settle(null));
      this.#waiting.set(node, { accepts, settle });
    });
  }

  /** The node is back: what spoke against its former life says nothing about this one. */
  forget(node: string): void {
    this.#kept.delete(node);
  }
}
