/**
 * Many listeners, one feed. Whoever has read up to where the feed stands joins it and from then on costs one write an
 * event; whoever cannot take more leaves, and reads on by himself from where he was, as everybody does who is
 * behind. So the hub holds no event for anybody: what a listener lacks is in the log.
 */

import { isExpected } from '../../proto/errors.ts';
import { everyEvent } from '../../proto/event-filter.ts';
import type { Clock, Timer } from '../../proto/ports.ts';
import type { Rpc } from '../../proto/rpc.ts';
import type { StreamRecord } from '../../proto/schema/event.ts';
import { positionOf } from '../../proto/stream-position.ts';
import { followEvents } from '../event-feed.ts';
import { EventBatch } from './event-text.ts';

/** In a burst, records that come within this time share a write. */
const paceMs = 5;
/** Records of one write at most. */
const batchMax = 1_000;
/** The feed stays open for a moment when the last listener has gone: listeners come back. */
const lingerMs = 2_000;
/** How often silent listeners are looked for. */
const roundMs = 1_000;

export interface HubListener {
  /** Everything up to here was sent, or passed over by its filter. */
  readonly position: number;
  /** Takes a batch that begins at or before its position; false when it has to leave the hub. */
  receive(batch: EventBatch): boolean;
  /** It stands alone from here on; `broken`: the feed has ended, and its own will say why. */
  leave(broken: boolean): void;
  /** Says something when it has been silent for long. */
  onRound(nowMs: number): void;
}

export class EventHub {
  readonly #rpc: Rpc;
  readonly #clock: Clock;
  /** Those who read from the feed. */
  readonly #joined = new Set<HubListener>();
  /** All that are there, for their signs of life. */
  readonly #present = new Set<HubListener>();
  #feed: AbortController | undefined;
  #logId = '';
  /** How far the feed has come; kept when it is closed, so that nobody opens it again in the past. */
  #position = 0;
  #pending: StreamRecord[] = [];
  #flushedMs = Number.NEGATIVE_INFINITY;
  #rounds: Timer | undefined;

  constructor(rpc: Rpc, clock: Clock) {
    this.#rpc = rpc;
    this.#clock = clock;
  }

  arrive(listener: HubListener): void {
    this.#present.add(listener);
    this.#rounds ??= this.#nextRound();
  }

  depart(listener: HubListener): void {
    this.#present.delete(listener);
    this.#part(listener);
  }

  /** Whether a listener that is catching up has come as far as the feed, so that it could join. */
  reaches(listener: HubListener, logId: string): boolean {
    return logId !== this.#logId || listener.position >= this.#position;
  }

  /** True when the listener hears everything behind its position from now on; false while it is behind the feed. */
  join(listener: HubListener, logId: string): boolean {
    if (!this.reaches(listener, logId)) return false;
    if (this.#feed === undefined) this.#open(listener.position, logId);
    if (logId !== this.#logId) return false;
    this.#joined.add(listener);
    return true;
  }

  #part(listener: HubListener): void {
    if (!this.#joined.delete(listener) || this.#joined.size > 0) return;
    const feed = this.#feed;
    this.#clock.after(lingerMs, () => {
      if (this.#joined.size === 0 && this.#feed === feed) this.#close();
    });
  }

  #open(position: number, logId: string): void {
    this.#position = position;
    this.#logId = logId;
    this.#feed = new AbortController();
    void this.#follow(this.#feed);
  }

  #close(): void {
    this.#feed?.abort();
    this.#feed = undefined;
    this.#pending = [];
  }

  async #follow(feed: AbortController): Promise<void> {
    const request = { after: this.#position, logId: this.#logId, filter: everyEvent };
    const ports = { clock: this.#clock, signal: feed.signal, patient: true };
    try {
      for await (const record of followEvents(this.#rpc, request, ports)) {
        if (this.#feed !== feed) return;
        this.#take(record);
        if ('Error' in record) break;
      }
    } catch (error) {
      if (!isExpected(error)) throw error;
    }
    if (this.#feed === feed) this.#dissolve();
  }

  /** What is wrong with the feed, every listener will hear from its own. */
  #dissolve(): void {
    this.#flush();
    this.#close();
    for (const listener of [...this.#joined]) {
      this.#joined.delete(listener);
      listener.leave(true);
    }
  }

  #take(record: StreamRecord): void {
    if ('Error' in record) return;
    this.#pending.push(record);
    if (this.#pending.length === batchMax) this.#flush();
    if (this.#pending.length !== 1) return;
    const waitMs = this.#flushedMs + paceMs - this.#clock.nowMs();
    if (waitMs > 0) this.#clock.after(waitMs, () => this.#flush());
    else setImmediate(() => this.#flush());
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    const batch = new EventBatch(this.#pending);
    this.#pending = [];
    this.#flushedMs = this.#clock.nowMs();
    this.#position = batch.records.reduce(positionAfter, this.#position);
    for (const listener of this.#joined) {
      if (listener.receive(batch)) continue;
      this.#part(listener);
      listener.leave(false);
    }
  }

  #nextRound(): Timer | undefined {
    return this.#clock.after(roundMs, () => {
      const nowMs = this.#clock.nowMs();
      for (const listener of this.#present) listener.onRound(nowMs);
      this.#rounds = this.#present.size > 0 ? this.#nextRound() : undefined;
    });
  }
}

function positionAfter(before: number, record: StreamRecord): number {
  return positionOf(record, before);
}
