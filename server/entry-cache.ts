/** The newest entries of the log, in memory and bounded by bytes: the oldest go first. */
import { assert } from '../proto/assert.ts';
import type { Entry } from '../proto/raft.ts';

/** What an entry takes beside its data, roughly. */
const entryOverheadBytes = 32;

export function entryBytes(entry: Pick<Entry, 'data'>): number {
  return entry.data.length + entryOverheadBytes;
}

export class EntryCache {
  readonly #bytesMax: number;
  #entries: Entry[] = [];
  /** Entries at the front of the array that are gone already; it is shortened now and then. */
  #gone = 0;
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Index of the oldest one that is held; undefined when none is. */
  get first(): number | undefined {
    return this.#entries[this.#gone]?.index;
  }

  append(entry: Entry): void {
    const last = this.#entries.at(-1);
    assert(last === undefined || last.index === entry.index - 1, 'entries are dense');
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
    while (this.#bytes > this.#bytesMax && this.#entries.length - this.#gone > 1) this.#dropFirst();
  }

  cut(from: number): void {
    while ((this.#entries.at(-1)?.index ?? 0) >= from && this.#entries.length > this.#gone) {
      this.#bytes -= entryBytes(this.#entries.pop()!);
    }
    if (this.#entries.length === this.#gone) this.clear();
  }

  dropBefore(first: number): void {
    while ((this.first ?? first) < first) this.#dropFirst();
  }

  clear(): void {
    this.#entries = [];
    this.#gone = 0;
    this.#bytes = 0;
  }

  /** At least one, cut when `bytesMax` is exceeded; undefined when `from` is not held. */
  slice(from: number, to: number, bytesMax: number): readonly Entry[] | undefined {
    const first = this.first;
    if (first === undefined || from < first) return undefined;
    const start = this.#gone + from - first;
    return takeWithin(this.#entries, start, Math.min(this.#entries.length, start + to - from), bytesMax);
  }

  #dropFirst(): void {
    this.#bytes -= entryBytes(this.#entries[this.#gone]!);
    this.#gone++;
    if (this.#gone === this.#entries.length) {
      this.clear();
    } else if (this.#gone > 1024 && this.#gone * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#gone);
      this.#gone = 0;
    } else {
      // The slot stays, the entry must not: its bytes would live on.
      this.#entries[this.#gone - 1] = nothing;
    }
  }
}

const nothing: Entry = { index: 0, term: 0, kind: 'noop', data: new Uint8Array(0) };

/** Entries `start` to before `end` of the list, at least one, cut when `bytesMax` is exceeded. */
export function takeWithin(entries: readonly Entry[], start: number, end: number, bytesMax: number): Entry[] {
  let bytes = 0;
  let at = start;
  while (at < end) {
    bytes += entryBytes(entries[at]!);
    if (bytes > bytesMax && at > start) break;
    at++;
  }
  return entries.slice(start, at);
}
