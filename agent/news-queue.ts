/**
 * What is told at a bounded rate, however much happens: the newest word about a thing replaces the one that still
 * waits, and whatever was left out is counted. Pure: the caller says what time it is.
 */

export interface NewsQueueLimits {
  /** So many at once after a silence. */
  readonly burst: number;
  /** Then one each so many milliseconds. */
  readonly intervalMs: number;
  /** Things that wait; beyond, the oldest word goes. */
  readonly waitingMax: number;
}

export interface Taken<Item> {
  readonly item: Item;
  /** Words left out since the one taken before. */
  readonly omitted: number;
}

export class NewsQueue<Item> {
  readonly #limits: NewsQueueLimits;
  /** By thing, in the order in which they began to wait. */
  readonly #waiting = new Map<string, Item>();
  /** When the last word's interval ends: a burst runs ahead of the clock, and is paid back before the next one. */
  #freeAtMs = Number.NEGATIVE_INFINITY;
  #omitted = 0;

  constructor(limits: NewsQueueLimits) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** A thing that waits already keeps its place. */
  put(thing: string, item: Item): void {
    if (this.#waiting.has(thing)) this.#omitted += 1;
    else if (this.#waiting.size >= this.#limits.waitingMax) {
      this.#takeFirst();
      this.#omitted += 1;
    }
    this.#waiting.set(thing, item);
  }

  /** Undefined when nothing waits, or when it is too early. */
  take(nowMs: number): Taken<Item> | undefined {
    if (this.#waiting.size === 0 || this.#waitMs(nowMs) > 0) return undefined;
    const item = this.#takeFirst();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + this.#limits.intervalMs;
    const omitted = this.#omitted;
    this.#omitted = 0;
    return { item, omitted };
  }

  /** Milliseconds until `take` gives something; null when nothing waits. */
  dueInMs(nowMs: number): number | null {
    return this.#waiting.size === 0 ? null : this.#waitMs(nowMs);
  }

  #waitMs(nowMs: number): number {
    const { burst, intervalMs } = this.#limits;
    return Math.max(0, this.#freeAtMs - nowMs - (burst - 1) * intervalMs);
  }

  #takeFirst(): Item {
    const [thing, item] = this.#waiting.entries().next().value!;
    this.#waiting.delete(thing);
    return item;
  }
}
