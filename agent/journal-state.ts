/**
 * What the records of a journal file add up to: its id, how far it is numbered and confirmed, what was dropped, and
 * what waits. Used when the file is read and while it is written, so that both see the same.
 */
import { assert } from '../proto/assert.ts';
import { decode, encode } from '../proto/codec.ts';
import { ExpectedError } from '../proto/errors.ts';
import type { JournalRecord } from '../proto/schema/journal.ts';
import type { LogRecord, StoredRecord } from '../proto/store/record.ts';

/** Types on disk; added to, never changed. */
const recordType = { entry: 1, confirmed: 2, lost: 3, begin: 4 } as const;

export type LostRecord = Extract<JournalRecord, { kind: 'lost' }>;

/** The state in a nutshell, kept at the head of each segment for the time when the ones before are gone. */
export interface JournalHead {
  readonly id: string;
  /** Number of the newest record. */
  readonly last: number;
  /** The servers hold everything up to this number. */
  readonly confirmed: number;
  readonly lost: LostRecord | null;
}

export interface Waiting {
  readonly record: JournalRecord;
  /** Where it lies in the log. */
  readonly position: number;
  readonly bytes: number;
}

export function entryOf(record: JournalRecord): LogRecord {
  return { type: recordType.entry, body: encode(record) };
}

export function confirmedOf(revision: number): LogRecord {
  return { type: recordType.confirmed, body: encode(revision) };
}

export function lostOf(lost: LostRecord): LogRecord {
  return { type: recordType.lost, body: encode(lost) };
}

/** Begins a journal: everything before it is void. */
export function beginOf(id: string): LogRecord {
  return { type: recordType.begin, body: encode(id) };
}

const unbegun: JournalHead = { id: '', last: 0, confirmed: 0, lost: null };

export class JournalState {
  #head = unbegun;
  #headSeen = false;
  #waiting: Waiting[] = [];
  #bytes = 0;

  get head(): JournalHead {
    return this.#head;
  }

  /** Records that are neither confirmed nor dropped, oldest first. */
  get waiting(): readonly Waiting[] {
    return this.#waiting;
  }

  /** Encoded bytes of what waits. */
  get bytes(): number {
    return this.#bytes;
  }

  encodeHead(): () => Uint8Array {
    const head = this.#head;
    return () => encode(head);
  }

  /** Of the first segment that is left; those behind it tell nothing new. */
  begin(bytes: Uint8Array): void {
    if (!this.#headSeen && bytes.length > 0) this.#head = decode(bytes) as JournalHead;
    this.#headSeen = true;
  }

  /** Answers the record that came in, null when it was something else. */
  apply({ type, body, position }: StoredRecord): JournalRecord | null {
    switch (type) {
      case recordType.entry: {
        const record = decode(body) as JournalRecord;
        assert(record.revision === this.#head.last + 1, 'journal records are dense');
        this.#head = { ...this.#head, last: record.revision };
        this.#waiting.push({ record, position, bytes: body.length });
        this.#bytes += body.length;
        return record;
      }
      case recordType.confirmed:
        this.#confirm(decode(body) as number);
        return null;
      case recordType.lost: {
        const lost = decode(body) as LostRecord;
        this.#head = { ...this.#head, lost };
        this.#dropThrough(lost.revision);
        return null;
      }
      case recordType.begin:
        this.#head = { ...unbegun, id: decode(body) as string };
        this.#waiting = [];
        this.#bytes = 0;
        return null;
      default: {
        const text = `the journal holds a record of type ${type}, which this program does not know: start the newer version again`;
        throw new ExpectedError('DISK_FOREIGN', text);
      }
    }
  }

  #confirm(revision: number): void {
    const { lost } = this.#head;
    const confirmed = Math.max(this.#head.confirmed, revision);
    this.#head = { ...this.#head, confirmed, lost: lost && lost.revision > revision ? lost : null };
    this.#dropThrough(revision);
  }

  #dropThrough(revision: number): void {
    let count = 0;
    while ((this.#waiting[count]?.record.revision ?? Number.POSITIVE_INFINITY) <= revision) {
      this.#bytes -= this.#waiting[count]!.bytes;
      count++;
    }
    this.#waiting.splice(0, count);
  }
}
