/**
 * From a feed of single records to what is worth one write. A lone record leaves at once; in a burst, records that come
 * within a few milliseconds share a write, since a system call for each of them and each listener is what would keep an
 * agent busy. A silence that lasts is broken by a sign of life. Nothing is read ahead of what the socket takes.
 */
import type { Clock } from '../../proto/ports.ts';
import type { StreamRecord } from '../../proto/schema/event.ts';

/** A listener that hears nothing for this long would not know whether anybody is there. */
export const quietMs = 15_000;
/** Writes to one listener follow each other no quicker than this. */
const paceMs = 5;
/** Records of one write. */
const batchMax = 256;

export interface GatherOptions {
  readonly clock: Clock;
  /** What is said after a silence: where the listener stands. */
  signOfLife(): StreamRecord;
}

export async function* gather(
  feed: AsyncIterable<StreamRecord>,
  { clock, signOfLife }: GatherOptions,
): AsyncGenerator<readonly StreamRecord[], void, undefined> {
  const records = new Lookahead(feed, clock);
  let sentMs = Number.NEGATIVE_INFINITY;
  try {
    while (!records.ended) {
      const first = await records.within(quietMs);
      if (records.ended) return;
      const batch = [first ?? signOfLife()];
      const endMs = sentMs + paceMs;
      while (batch.length < batchMax && clock.nowMs() < endMs) {
        const more = await records.within(endMs - clock.nowMs());
        if (more === undefined) break;
        batch.push(more);
      }
      yield batch;
      sentMs = clock.nowMs();
    }
  } finally {
    records.close();
  }
}

/** An iterator that can be waited for with a limit, without losing what comes later. */
class Lookahead {
  ended = false;
  readonly #iterator: AsyncIterator<StreamRecord>;
  readonly #clock: Clock;
  #next: Promise<IteratorResult<StreamRecord>> | undefined;

  constructor(feed: AsyncIterable<StreamRecord>, clock: Clock) {
    this.#iterator = feed[Symbol.asyncIterator]();
    this.#clock = clock;
  }

  /** The next record; undefined when none came in time, or at the end. */
  async within(limitMs: number): Promise<StreamRecord | undefined> {
    this.#next ??= this.#iterator.next();
    const next = this.#next;
    let giveUp = () => {};
    const limit = new Promise<undefined>((resolve) => {
      const timer = this.#clock.after(limitMs, () => resolve(undefined));
      giveUp = () => timer.cancel();
    });
    const result = await Promise.race([next, limit]).finally(giveUp);
    if (result === undefined) return undefined;
    this.#next = undefined;
    if (!result.done) return result.value;
    this.ended = true;
    return undefined;
  }

  /** What the feed was about to say is of no interest any more. */
  close(): void {
    const swallow = () => {};
    this.#next?.catch(swallow);
    Promise.resolve(this.#iterator.return?.()).catch(swallow);
  }
}
