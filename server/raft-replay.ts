/**
 * What the records of the Raft log add up to. Records pass through here when the log is opened, and again when they
 * have become durable; entries then come as they are, since whoever wrote them need not read them.
 */
import { ExpectedError } from '../proto/errors.ts';
import type { Entry, HardState, Membership } from '../proto/raft.ts';
import type { StoredRecord } from '../proto/store/record.ts';
import { EntryCache } from './entry-cache.ts';
import { decodeMembership } from './raft/membership.ts';
import { RaftIndex } from './raft-index.ts';
import { parseCut, parseEntry, parseHardState, parseHead, parseReset, recordType } from './raft-records.ts';

export interface StoredMembership {
  readonly index: number;
  readonly membership: Membership;
}

export const newDisk: HardState = { term: 0, vote: null, commit: 0 };

export class RaftReplay {
  readonly index = new RaftIndex();
  readonly cache: EntryCache;
  #hardState = newDisk;
  #memberships: StoredMembership[] = [];
  #era = 0;
  #begun = false;

  constructor(memoryBytesMax: number) {
    this.cache = new EntryCache(memoryBytesMax);
  }

  get hardState(): HardState {
    return this.#hardState;
  }

  /** The newest one among the entries. */
  get membership(): StoredMembership | undefined {
    return this.#memberships.at(-1);
  }

  /** Counts how often entries have become void: whoever read some before must not rely on them. */
  get era(): number {
    return this.#era;
  }

  /** The state before a segment. Only that of the first one tells something that the records before it did not. */
  begin(head: Uint8Array): void {
    if (this.#begun) return;
    this.#begun = true;
    const known = parseHead(head);
    if (!known) return;
    this.index.reset(known.lastIndex, undefined);
    this.#hardState = known.hardState;
  }

  apply(record: StoredRecord): void {
    switch (record.type) {
      case recordType.entry:
        this.append(parseEntry(record), record.position);
        return;
      case recordType.cut: {
        const from = parseCut(record);
        this.index.cut(from);
        this.cache.cut(from);
        this.#memberships = this.#memberships.filter(({ index }) => index < from);
        this.#era++;
        return;
      }
      case recordType.hardState:
        this.#hardState = parseHardState(record);
        return;
      case recordType.reset: {
        const { index, term } = parseReset(record);
        this.index.reset(index, term);
        this.cache.clear();
        this.#memberships = [];
        this.#era++;
        return;
      }
      default: {
        const text = `the Raft log holds a record of type ${record.type}, which this program does not know: start the newer version again`;
        throw new ExpectedError('DISK_FOREIGN', text);
      }
    }
  }

  /** The record at this position holds this entry; for whoever wrote it and need not read it. */
  append(entry: Entry, position: number): void {
    this.index.append(entry.index, entry.term, position);
    this.cache.append(entry);
    if (entry.kind === 'membership') {
      this.#memberships.push({ index: entry.index, membership: decodeMembership(entry.data) });
    }
  }

  /** Forgets the entries before `first`. Memberships up to `coveredIndex` are in the snapshot. */
  compact(first: number, coveredIndex: number): void {
    this.index.compact(first);
    this.cache.dropBefore(first);
    this.#memberships = this.#memberships.filter(({ index }) => index > coveredIndex);
  }
}
