/** Reads that wait until this leader is sure that it leads, and until what was committed before them is applied. */
import { ExpectedError } from '../proto/errors.ts';
import type { ServerId } from '../proto/raft.ts';
import type { ReadState } from './raft/ready.ts';

interface Barrier {
  resolve(): void;
  reject(error: ExpectedError): void;
}

export class ReadBarriers {
  #lastContext = 0;
  readonly #asked = new Map<number, Barrier>();
  /** Confirmed ones whose index is not applied yet. */
  #confirmed: Array<{ readonly index: number; readonly barrier: Barrier }> = [];

  /** `ask` hands the number to the core. */
  wait(ask: (context: number) => void): Promise<void> {
    this.#lastContext += 1;
    const context = this.#lastContext;
    return new Promise((resolve, reject) => {
      this.#asked.set(context, { resolve, reject });
      ask(context);
    });
  }

  /** The core's answers. */
  answered(reads: readonly ReadState[], applied: number, leader: ServerId | null): void {
    for (const { context, index } of reads) {
      const barrier = this.#asked.get(context);
      this.#asked.delete(context);
      if (barrier === undefined) continue;
      if (index === null) barrier.reject(new ExpectedError('NOT_LEADER', undefined, { data: { leader } }));
      else if (index <= applied) barrier.resolve();
      else this.#confirmed.push({ index, barrier });
    }
  }

  applied(applied: number): void {
    if (this.#confirmed.length === 0) return;
    const open = this.#confirmed;
    this.#confirmed = open.filter(({ index }) => index > applied);
    for (const { index, barrier } of open) if (index <= applied) barrier.resolve();
  }

  stop(error: ExpectedError): void {
    const open = [...this.#asked.values(), ...this.#confirmed.map(({ barrier }) => barrier)];
    this.#asked.clear();
    this.#confirmed = [];
    for (const barrier of open) barrier.reject(error);
  }
}
