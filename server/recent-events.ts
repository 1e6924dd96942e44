/** The newest events, encoded once for all readers, in memory and bounded by bytes. */
import { assert } from '../proto/assert.ts';
import type { HealthEvent } from '../proto/schema/event.ts';

/** An event as it lies in the log: JSON text in UTF-8, ready to be sent. */
export class StoredEvent {
  readonly offset: number;
  readonly json: Uint8Array;
  #event: HealthEvent | null;

  constructor(offset: number, json: Uint8Array, event: HealthEvent | null = null) {
    this.offset = offset;
    this.json = json;
    this.#event = event;
  }

  static from(event: HealthEvent): StoredEvent {
    return new StoredEvent(event.Offset, Buffer.from(JSON.stringify(event)), event);
  }

  /** The event itself, for filters; parsed at most once. */
  get event(): HealthEvent {
    this.#event ??= JSON.parse(Buffer.from(this.json).toString()) as HealthEvent;
    return this.#event;
  }
}

export interface PageLimits {
  /** Events at most. */
  readonly limit: number;
  /** Bytes of JSON at most, but at least one event. */
  readonly bytesMax: number;
}

export class RecentEvents {
  readonly #bytesMax: number;
  #events: StoredEvent[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Offset of the oldest one that is held; undefined when none is. */
  get first(): number | undefined {
    return this.#events[0]?.offset;
  }

  append(event: StoredEvent): void {
    const last = this.#events.at(-1);
    assert(
      last === undefined || event.offset === last.offset + 1,
      `event ${event.offset} after ${last?.offset}`,
    );
    this.#events.push(event);
    this.#bytes += event.json.length;
  }

  /** Keeps the bound, but never drops what is not on disk yet. */
  shrink(durable: number): void {
    if (this.#bytes <= this.#bytesMax) return;
    // A tenth more than needed goes, so that the array is not moved for every single event.
    const target = this.#bytesMax * 0.9;
    let count = 0;
    while (this.#bytes > target && (this.#events[count]?.offset ?? durable) < durable) {
      this.#bytes -= this.#events[count]!.json.length;
      count++;
    }
    this.#events.splice(0, count);
  }

  dropBefore(first: number): void {
    let count = 0;
    while ((this.#events[count]?.offset ?? first) < first) {
      this.#bytes -= this.#events[count]!.json.length;
      count++;
    }
    this.#events.splice(0, count);
  }

  clear(): void {
    this.#events = [];
    this.#bytes = 0;
  }

  get(offset: number): StoredEvent | undefined {
    return this.#events[offset - (this.first ?? 0)];
  }

  /** Events from an offset on; undefined when it is not held here. */
  read(offset: number, { limit, bytesMax }: PageLimits): StoredEvent[] | undefined {
    const first = this.first;
    if (first === undefined || offset < first) return undefined;
    const start = offset - first;
    let end = start;
    for (let bytes = 0; end < this.#events.length && end - start < limit; end++) {
      bytes += this.#events[end]!.json.length;
      if (bytes > bytesMax && end > start) break;
    }
    return this.#events.slice(start, end);
  }
}
