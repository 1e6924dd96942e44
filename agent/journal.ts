/**
 * What this agent observed and the servers have not confirmed yet, in order, on disk. The journal is the agent's
 * session: its records are numbered 1, 2, 3 … under an id that is made with the file, and a server applies each once.
 *
 * A record is numbered at once and handed out when it is durable: a number that a server has seen must never be given
 * again, also not after a crash. When the disk fails, the journal goes on in memory and hands out everything, because
 * an agent that falls silent is worse than one that may lose its memory; the next start then finds servers that know
 * more than the file does, and takes a new id (`confirm`).
 *
 * Bounded by count and bytes: the oldest go, some at a time, and one `lost` record stands in their place.
 */
import type { ExpectedError } from '../proto/errors.ts';
import type { Clock, Disk, Random } from '../proto/ports.ts';
import type { JournalDraft, JournalRecord } from '../proto/schema/journal.ts';
import type { Damage } from '../proto/store/faults.ts';
import type { LogRecord, StoredRecord } from '../proto/store/record.ts';
import { SegmentLog } from '../proto/store/segments.ts';
import { makeUuid } from '../proto/uuid.ts';
import { beginOf, confirmedOf, entryOf, JournalState, type LostRecord, lostOf } from './journal-state.ts';

export interface JournalPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
}

export interface JournalOptions {
  /** Records that may wait. Default 100,000. */
  readonly recordsMax?: number;
  /** Encoded bytes of the records that may wait. Default 64 MiB. */
  readonly bytesMax?: number;
  /** Size of a segment file. Default 1 MiB. */
  readonly segmentBytes?: number;
  /** Told of each record that is found, as far back as the file goes; servers have confirmed the older ones. */
  readonly onFound?: (journalId: string, record: JournalRecord) => void;
}

export class Journal {
  /** Set by the agent: from now on the journal is in memory only. */
  onFault: ((error: ExpectedError) => void) | null = null;

  readonly #ports: JournalPorts;
  readonly #recordsMax: number;
  readonly #bytesMax: number;
  readonly #log: SegmentLog;
  readonly #state: JournalState;
  readonly #damage: Damage | null;
  readonly #listeners = new Set<() => void>();
  /** Newest number of this journal that an earlier process gave: what comes behind it is ours. */
  #openedAt: number;
  /** Highest number that may be handed out. */
  #durable: number;
  #fault: ExpectedError | null = null;
  #written: Promise<void> = Promise.resolve();

  private constructor(ports: JournalPorts, options: JournalOptions, log: SegmentLog, state: JournalState) {
    this.#ports = ports;
    this.#recordsMax = options.recordsMax ?? 100_000;
    this.#bytesMax = options.bytesMax ?? 64 * 1024 * 1024;
    this.#log = log;
    this.#state = state;
    this.#damage = log.damage;
    this.#openedAt = state.head.last;
    this.#durable = state.head.last;
  }

  /**
   * Opens the journal or begins one. Rejects with CANNOT_WRITE, or with DISK_DAMAGED when the disk reports an error.
   * Damage that is found is a value; then a new journal has begun, with one `lost` record for what the old one held.
   */
  static async open(ports: JournalPorts, folder: string, options: JournalOptions = {}): Promise<Journal> {
    const { disk, clock } = ports;
    const state = new JournalState();
    const { segmentBytes = 1024 * 1024, onFound } = options;
    const take = (stored: StoredRecord) => {
      const record = state.apply(stored);
      if (record !== null) onFound?.(state.head.id, record);
    };
    const log = await SegmentLog.open(
      disk,
      folder,
      { segmentBytes, clock },
      { head: (head) => state.begin(head), record: take },
    );
    const journal = new Journal(ports, options, log, state);
    if (log.damage) await journal.#beginAfter(log.damage);
    else if (state.head.id === '') await journal.#begin([]);
    if (journal.#fault) throw journal.#fault;
    journal.#keepBounds();
    return journal;
  }

  get id(): string {
    return this.#state.head.id;
  }

  /** Number of the newest record; 0 before the first. */
  get lastRevision(): number {
    return this.#state.head.last;
  }

  /** Records that wait for the servers. */
  get length(): number {
    return this.#state.waiting.length + (this.#state.head.lost ? 1 : 0);
  }

  /** What was found damaged when the journal was opened. */
  get damage(): Damage | null {
    return this.#damage;
  }

  /** Why the journal is in memory only; null as long as it is on disk. */
  get fault(): ExpectedError | null {
    return this.#fault;
  }

  /** Numbers a record and takes it in. Handed out by `pending` when it is durable. */
  append(draft: JournalDraft): JournalRecord {
    const record = { ...draft, revision: this.lastRevision + 1 } as JournalRecord;
    void this.#write([entryOf(record)]);
    this.#keepBounds();
    return record;
  }

  /**
   * The oldest records that are not confirmed, as far as they are durable. A `lost` record comes first: it has the number
   * of the last one that was dropped and stands for `count` of them.
   */
  pending(limit: number): readonly JournalRecord[] {
    const { head, waiting } = this.#state;
    const records: JournalRecord[] = head.lost && head.lost.revision <= this.#durable ? [head.lost] : [];
    for (let at = 0; records.length < limit && at < waiting.length; at++) {
      const { record } = waiting[at]!;
      if (record.revision > this.#durable) break;
      records.push(record);
    }
    return records;
  }

  /**
   * The servers hold everything up to this number of our journal. When that is more than we ever wrote, our file has
   * been set back (an old copy of the disk, a disk that failed): what we have written since the start got numbers that
   * the servers take for old, so it is numbered again in a new journal.
   */
  confirm(revision: number): void {
    if (revision > this.lastRevision) {
      const unseen = this.#state.waiting.filter(({ record }) => record.revision > this.#openedAt);
      void this.#begin(unseen.map(({ record }) => record));
      return;
    }
    if (revision <= this.#state.head.confirmed) return;
    void this.#write([confirmedOf(revision)]);
    this.#trim();
  }

  /** Calls back when there is more to hand out. Returns how to end that. */
  onAppend(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when everything that was appended so far is durable, or the disk has failed. */
  async settled(): Promise<void> {
    await this.#written;
  }

  async close(): Promise<void> {
    await this.#written;
    await this.#log.close();
  }

  #write(records: readonly LogRecord[]): Promise<void> {
    const head = this.#state.encodeHead();
    let position = this.#log.next;
    // Once the disk has failed there are no positions any more, and nobody asks for them.
    const stored = this.#fault ? null : this.#log.append(records, head);
    for (const record of records) this.#state.apply({ ...record, position: position++ });
    const { id, last } = this.#state.head;
    if (!stored) {
      this.#handOut(id, last);
      return this.#written;
    }
    this.#written = stored.then(
      () => this.#handOut(id, last),
      (error: unknown) => this.#fail(error as ExpectedError),
    );
    return this.#written;
  }

  #handOut(id: string, through: number): void {
    // A write that ends late says nothing about the numbers of a journal that was begun meanwhile.
    if (id !== this.id || through <= this.#durable) return;
    this.#durable = through;
    for (const listener of this.#listeners) listener();
  }

  #fail(error: ExpectedError): void {
    if (!this.#fault) {
      this.#fault = error;
      this.onFault?.(error);
    }
    this.#handOut(this.id, this.lastRevision);
  }

  /** A new journal with these records, numbered from 1 on. */
  async #begin(records: readonly JournalRecord[]): Promise<void> {
    const renumbered = records.map((record, at) => ({ ...record, revision: at + 1 }));
    this.#durable = 0;
    this.#openedAt = 0;
    await this.#write([beginOf(makeUuid(this.#ports.random)), ...renumbered.map(entryOf)]);
    this.#trim();
  }

  /** What the old journal held may have reached the servers or not: nobody knows how far it went, so it is given up. */
  async #beginAfter(damage: Damage): Promise<void> {
    const { waiting, head } = this.#state;
    await this.#log.setAside();
    const nowMs = this.#ports.clock.wallMs();
    const lost: LostRecord = {
      kind: 'lost',
      revision: 1,
      observedAtMs: nowMs,
      count: waiting.length + (head.lost?.count ?? 0) + damage.to - damage.from + 1,
      sinceMs: head.lost?.sinceMs ?? waiting[0]?.record.observedAtMs ?? nowMs,
    };
    await this.#begin([lost]);
  }

  #keepBounds(): void {
    const { waiting, bytes, head } = this.#state;
    if (waiting.length <= this.#recordsMax && bytes <= this.#bytesMax) return;
    // A hundredth more than needed, so that not every further record makes another `lost` one.
    const recordsKept = Math.floor(this.#recordsMax * 0.99);
    const bytesKept = this.#bytesMax * 0.99;
    let count = 0;
    for (let left = bytes; waiting.length - count > recordsKept || left > bytesKept; count++) {
      left -= waiting[count]!.bytes;
    }
    const dropped = waiting.slice(0, count);
    void this.#write([
      lostOf({
        kind: 'lost',
        revision: dropped.at(-1)!.record.revision,
        observedAtMs: this.#ports.clock.wallMs(),
        count: count + (head.lost?.count ?? 0),
        sinceMs: head.lost?.sinceMs ?? dropped[0]!.record.observedAtMs,
      }),
    ]);
    this.#trim();
  }

  #trim(): void {
    if (this.#fault) return;
    const position = this.#state.waiting[0]?.position ?? this.#log.flushed;
    this.#log.trim(position).catch((error: unknown) => this.#fail(error as ExpectedError));
  }
}
