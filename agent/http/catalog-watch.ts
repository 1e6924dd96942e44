/**
 * What wakes held reads. All of them share one feed of events, opened while somebody is held; a change without an event
 * (a node's address, a service's tags) is found by looking again every few seconds. Equal questions that wake together are
 * asked once.
 */

import { isExpected } from '../../proto/errors.ts';
import { everyEvent } from '../../proto/event-filter.ts';
import type { Clock } from '../../proto/ports.ts';
import type { CatalogQuery, ReadMode, Rpc, RpcCalls } from '../../proto/rpc.ts';
import { followEvents } from '../event-feed.ts';

/** A held read looks again after this long even when nothing is heard. */
const lookAgainMs = 2_000;
/** News that come together wake together. */
const gatherMs = 10;

export type CatalogAnswer = RpcCalls['catalog.query']['answer'];

export class CatalogWatch {
  readonly #rpc: Rpc;
  readonly #clock: Clock;
  readonly #held = new Set<() => void>();
  /** Questions under way since the last news. */
  readonly #asked = new Map<string, Promise<CatalogAnswer>>();
  #feed: AbortController | undefined;
  #gathering = false;

  constructor(rpc: Rpc, clock: Clock) {
    this.#rpc = rpc;
    this.#clock = clock;
  }

  /** The answer now, shared with whoever asks the same at the same time. */
  ask(query: CatalogQuery, mode: ReadMode, maxStaleMs: number | null): Promise<CatalogAnswer> {
    const key = JSON.stringify([query, mode, maxStaleMs]);
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked;
    const answer = this.#rpc
      .call('catalog.query', { query, mode, maxStaleMs })
      .finally(() => this.#asked.get(key) === answer && this.#asked.delete(key));
    this.#asked.set(key, answer);
    return answer;
  }

  /** Resolves when something has happened, when it is time to look again, or when `signal` aborts. */
  async news(waitMs: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        timer.cancel();
        signal.removeEventListener('abort', wake);
        this.#held.delete(wake);
        if (this.#held.size === 0) this.#close();
        resolve();
      };
      const timer = this.#clock.after(Math.min(waitMs, lookAgainMs), wake);
      signal.addEventListener('abort', wake, { once: true });
      this.#held.add(wake);
      this.#open();
    });
  }

  #open(): void {
    if (this.#feed !== undefined) return;
    const feed = new AbortController();
    this.#feed = feed;
    void this.#follow(feed);
  }

  /** The feed stays open for a moment: a reader that was woken is about to ask again. */
  #close(): void {
    const feed = this.#feed;
    this.#clock.after(lookAgainMs, () => {
      if (this.#held.size > 0 || this.#feed !== feed) return;
      this.#feed = undefined;
      feed?.abort();
    });
  }

  async #follow(feed: AbortController): Promise<void> {
    const request = { after: null, logId: '', filter: everyEvent };
    try {
      const records = followEvents(this.#rpc, request, { clock: this.#clock, signal: feed.signal });
      for await (const record of records) if (!('Position' in record)) this.#gather();
    } catch (error) {
      if (!isExpected(error)) throw error;
    } finally {
      if (this.#feed === feed) this.#feed = undefined;
    }
  }

  #gather(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    this.#clock.after(gatherMs, () => {
      this.#gathering = false;
      // An answer that is under way may be from before the news.
      this.#asked.clear();
      for (const wake of [...this.#held]) wake();
    });
  }
}
