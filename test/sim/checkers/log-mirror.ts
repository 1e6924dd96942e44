/** What a server has on its disk, entry by entry as a chain: read from its log whenever something depends on it. */
import type { Entry } from '../../../proto/raft.ts';
import { chainOn, noChain } from './chain.ts';

/** What is looked at of a log on disk: nothing that is not flushed. */
export interface DurableLog {
  firstIndex(): number;
  lastIndex(): number;
  term(index: number): number | undefined;
  slice(from: number, to: number, bytesMax: number): readonly Entry[] | 'loading' | undefined;
}

export interface Link {
  readonly term: number;
  readonly chain: number;
}

export class LogMirror {
  readonly #links = new Map<number, Link>();
  #last = 0;

  constructor() {
    this.#links.set(0, { term: 0, chain: noChain });
  }

  get last(): number {
    return this.#last;
  }

  /** Term of the last entry. */
  get lastTerm(): number {
    return this.#links.get(this.#last)!.term;
  }

  at(index: number): Link | undefined {
    return this.#links.get(index);
  }

  /**
   * Takes over what has changed. `committed` knows the chain of an index that a snapshot stands for. Returns the indexes
   * that are new, from the first to the last; null when nothing is.
   */
  sync(log: DurableLog, committed: (index: number) => Link | undefined): { from: number; to: number } | null {
    const last = log.lastIndex();
    if (last === this.#last && log.term(last) === this.#links.get(last)?.term) return null;
    const first = log.firstIndex();
    let common = Math.min(last, this.#last);
    while (common >= first && log.term(common) !== this.#links.get(common)?.term) common--;
    if (common < first) common = first - 1;
    for (let index = common + 1; index <= this.#last; index++) this.#links.delete(index);
    // What was compacted away is committed; what is remembered of it may be a tail that was cut meanwhile.
    let link = common < first ? (committed(common) ?? this.#links.get(common)) : this.#links.get(common);
    if (link === undefined) return null;
    this.#links.set(common, link);
    this.#last = common;
    while (this.#last < last) {
      const entries = log.slice(this.#last + 1, last + 1, Number.MAX_SAFE_INTEGER);
      // What only the disk has left cannot be looked at now; it was looked at when it was written.
      if (entries === 'loading' || entries === undefined) return null;
      for (const entry of entries) {
        link = { term: entry.term, chain: chainOn(link.chain, entry) };
        this.#links.set(entry.index, link);
        this.#last = entry.index;
      }
    }
    return { from: common + 1, to: last };
  }
}
