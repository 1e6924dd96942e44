/**
 * Entries, term and vote on disk, and the view of them that the Raft core reads.
 *
 * Only what is flushed is visible through the `LogView`: it changes just before the promise of the write that
 * changed it resolves, in the order of the writes. What the core has appended and not yet stored, it keeps itself.
 *
 * One call of `write` is one group in the log: after a crash its cut, its entries and its hard state are all there or
 * none is. Calls that come while a flush is under way share the next one.
 *
 * The newest entries stay in memory, bounded by bytes. Older ones are read from the segments: `slice` answers
 * 'loading', and `onLoaded` tells when to ask again.
 */
import { assert } from '../proto/assert.ts';
import { ExpectedError, messageOf } from '../proto/errors.ts';
import type { Clock, Disk } from '../proto/ports.ts';
import type { Entry, HardState, SnapshotMeta } from '../proto/raft.ts';
import { SegmentLog } from '../proto/store/segments.ts';
import { OlderEntries } from './older-entries.ts';
import type { LogView, Write } from './raft/ready.ts';
import {
  cutRecord,
  encodeHead,
  entryRecord,
  hardStateRecord,
  parseEntry,
  type RaftRecord,
  recordType,
  resetRecord,
  type SegmentHead,
} from './raft-records.ts';
import { RaftReplay, type StoredMembership } from './raft-replay.ts';

export interface RaftIds {
  readonly nodeId: string;
  /** Null until this server has met its cluster. */
  readonly clusterId: string | null;
}

export interface RaftStorageOptions {
  /** The newest durable snapshot; it decides what the log must hold and what it may lack. */
  readonly snapshot: SnapshotMeta | null;
  /** Bytes of the newest entries that stay in memory. Default 64 MiB. */
  readonly memoryBytesMax?: number;
  /** Entries before a snapshot that stay on disk for followers that lag. Default 10,240. */
  readonly trailingEntries?: number;
  /** Size of a segment file. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** For the lazy hint of how far the log was acknowledged. */
  readonly clock?: Clock;
}

/**
 * What can no longer be read, in entries. Such a server must not vote and not acknowledge: neither its entries nor
 * its hard state can be vouched for (raft.md 3.4). A snapshot under a new incarnation heals it: `installSnapshot`.
 */
export interface RaftDamage {
  readonly file: string;
  readonly reason: string;
  /** First index that is missing, and the last one that is known to have been there; null when it is not known. */
  readonly from: number;
  readonly to: number | null;
}

export class RaftStorage implements LogView {
  /** Set by the driver: entries that a `slice` had asked for can be had now. */
  onLoaded: (() => void) | null = null;
  /** Set by the driver: something that was stored cannot be read. */
  onFault: ((error: ExpectedError) => void) | null = null;

  readonly #ids: RaftIds;
  readonly #trailing: number;
  readonly #log: SegmentLog;
  readonly #stored: RaftReplay;
  readonly #older: OlderEntries;
  #snapshot: SnapshotMeta | null;
  #damage: RaftDamage | null = null;
  /** As the disk will be when everything that was handed in is written. */
  #queued: SegmentHead;
  #lastWrite: Promise<void> = Promise.resolve();

  private constructor(ids: RaftIds, options: RaftStorageOptions, log: SegmentLog, stored: RaftReplay) {
    this.#ids = ids;
    this.#snapshot = options.snapshot;
    this.#trailing = options.trailingEntries ?? 10_240;
    this.#log = log;
    this.#stored = stored;
    this.#queued = { hardState: stored.hardState, lastIndex: stored.index.last };
    this.#older = new OlderEntries(log, stored, {
      onLoaded: () => this.onLoaded?.(),
      onFault: (error) => this.onFault?.(asExpected(error)),
    });
  }

  /**
   * Opens the log of a server, or makes it; a crash at any step of the first start leaves a folder that starts. Finishes
   * an install of a snapshot that a crash had cut off. Rejects with CANNOT_WRITE, DISK_FOREIGN or DISK_DAMAGED (when the
   * disk reports an error); damage that was found is a value.
   */
  static async open(
    disk: Disk,
    folder: string,
    ids: RaftIds,
    options: RaftStorageOptions,
  ): Promise<RaftStorage> {
    const { segmentBytes, clock } = options;
    const stored = new RaftReplay(options.memoryBytesMax ?? 64 * 1024 * 1024);
    let salvagedTo: number | null = null;
    const log = await SegmentLog.open(
      disk,
      folder,
      { owner: ownerOf(ids), ...(segmentBytes && { segmentBytes }), ...(clock && { clock }) },
      {
        head: (head) => stored.begin(head),
        record: (record) => stored.apply({ ...record, body: Buffer.from(record.body) }),
        salvaged: (record) => {
          if (record.type === recordType.entry)
            salvagedTo = Math.max(salvagedTo ?? 0, parseEntry(record).index);
        },
      },
    );
    const storage = new RaftStorage(ids, options, log, stored);
    if (log.damage) {
      const { file, reason } = log.damage;
      storage.#damage = { file, reason, from: stored.index.last + 1, to: salvagedTo };
    } else {
      await storage.#meetSnapshot(folder);
    }
    return storage;
  }

  /** Term, vote and commit hint, as they are on disk. With `damage` they are what could still be read: not to be trusted. */
  get hardState(): HardState {
    return this.#stored.hardState;
  }

  /** The newest membership on disk, in the log or in the snapshot; null on a new disk. */
  get membership(): StoredMembership | null {
    const newest = this.#stored.membership;
    const snapshot = this.#snapshot;
    if (!snapshot || (newest && newest.index > snapshot.index)) return newest ?? null;
    return { index: snapshot.membershipIndex, membership: snapshot.membership };
  }

  get damage(): RaftDamage | null {
    return this.#damage;
  }

  /** What a crash had torn off the end of the log, for people; null when nothing. */
  get torn(): string | null {
    return this.#log.torn;
  }

  /** Why nothing can be written any more. */
  get broken(): ExpectedError | null {
    return this.#log.broken;
  }

  /** The segments to come carry the id of the cluster that this server has met. */
  setClusterId(clusterId: string): void {
    this.#log.owner = ownerOf({ ...this.#ids, clusterId });
  }

  firstIndex(): number {
    return this.#stored.index.first;
  }

  lastIndex(): number {
    return this.#stored.index.last;
  }

  term(index: number): number | undefined {
    const snapshot = this.#snapshot;
    return this.#stored.index.term(index) ?? (snapshot?.index === index ? snapshot.term : undefined);
  }

  slice(from: number, to: number, bytesMax: number): readonly Entry[] | 'loading' | undefined {
    if (from < this.#stored.index.first) return undefined;
    const end = Math.min(to, this.#stored.index.last + 1);
    if (from >= end) return [];
    return this.#stored.cache.slice(from, end, bytesMax) ?? this.#older.slice(from, end, bytesMax);
  }

  snapshot(): SnapshotMeta | undefined {
    return this.#snapshot ?? undefined;
  }

  /**
   * Resolves when all of it is durable and visible; vouch for nothing of it before. Rejects with CANNOT_WRITE, which is
   * final, or with DISK_DAMAGED when there is `damage`.
   */
  write(writes: readonly Write[]): Promise<void> {
    if (this.#damage) return Promise.reject(damageError(this.#damage));
    const before = this.#queued;
    const records: RaftRecord[] = [];
    for (const write of writes) this.#addRecords(write, records);
    // A write may carry nothing but its token; it vouches for what was handed in before it.
    if (records.length === 0) return this.#lastWrite;
    return this.#append(records, before);
  }

  /**
   * The snapshot at `meta` is durable: it is the newest one from now on, and entries before it may go, but for the
   * trailing ones. Rejects with CANNOT_WRITE.
   */
  async compactTo(meta: SnapshotMeta): Promise<void> {
    // One that was taken slowly, while a newer one was installed, is of no use any more.
    if (meta.index <= (this.#snapshot?.index ?? 0)) return;
    assert(this.term(meta.index) === meta.term, 'the snapshot was taken from this log');
    this.#snapshot = meta;
    this.#stored.compact(meta.index + 1 - this.#trailing, meta.index);
    await this.#trim();
  }

  /**
   * The snapshot at `meta`, which came from the leader, is durable: it takes the place of the whole log, at once and
   * for good. The log that was there is discarded, whatever it held (raft.md 7). Also the way out of `damage`, after
   * the caller has noted durably that this server has to come back as a new one.
   */
  async installSnapshot(meta: SnapshotMeta): Promise<void> {
    if (this.#damage) {
      if (this.#log.damage) await this.#log.setAside();
      this.#damage = null;
    }
    const before = this.#queued;
    const commit = Math.max(before.hardState.commit, meta.index);
    const hardState = { ...before.hardState, commit };
    this.#snapshot = meta;
    this.#queued = { hardState, lastIndex: meta.index };
    await this.#append([resetRecord(meta), hardStateRecord(hardState)], before);
    await this.#trim();
  }

  /** Waits for what is under way and closes the files. */
  async close(): Promise<void> {
    await this.#log.close();
  }

  #addRecords({ cutFrom, entries, hardState }: Write, records: RaftRecord[]): void {
    let { lastIndex } = this.#queued;
    if (cutFrom !== null && cutFrom <= lastIndex) {
      assert(cutFrom > (this.#snapshot?.index ?? 0), 'what a snapshot covers is never cut');
      records.push(cutRecord(cutFrom));
      lastIndex = cutFrom - 1;
    }
    for (const entry of entries) {
      lastIndex++;
      assert(entry.index === lastIndex, 'entries are dense');
      records.push(entryRecord(entry));
    }
    if (hardState) records.push(hardStateRecord(hardState));
    this.#queued = { hardState: hardState ?? this.#queued.hardState, lastIndex };
  }

  #append(records: readonly RaftRecord[], before: SegmentHead): Promise<void> {
    let position = this.#log.next;
    const written = this.#log
      .append(records, () => encodeHead(before))
      .then(() => {
        for (const record of records) {
          if (record.entry !== undefined) this.#stored.append(record.entry, position++);
          else this.#stored.apply({ ...record, position: position++ });
        }
      });
    this.#lastWrite = written;
    // Nobody may ever ask for the last write; whoever was given the promise sees the rejection all the same.
    written.catch(() => {});
    return written;
  }

  /** Compares the log with the snapshot that we start from. */
  async #meetSnapshot(folder: string): Promise<void> {
    const { first, last } = this.#stored.index;
    const { commit } = this.#stored.hardState;
    const snapshot = this.#snapshot;
    const covered = snapshot?.index ?? 0;
    // The snapshot had been received and the log is still the old one: a crash came in between.
    if (snapshot && (covered > last || this.term(covered) !== snapshot.term)) {
      await this.installSnapshot(snapshot);
    } else if (first > covered + 1) {
      const reason = `the log begins at ${first}, and ${snapshot ? `the snapshot ends at ${covered}` : 'there is no snapshot'}`;
      this.#damage = { file: folder, reason, from: covered + 1, to: first - 1 };
    } else if (commit > last) {
      this.#damage = { file: folder, reason: 'committed entries are missing', from: last + 1, to: commit };
    }
  }

  async #trim(): Promise<void> {
    const { index } = this.#stored;
    await this.#log.trim(index.positionBefore(index.first) ?? this.#log.flushed + 1);
  }
}

function ownerOf({ nodeId, clusterId }: RaftIds): Record<string, string> {
  return { node: nodeId, cluster: clusterId ?? '' };
}

function damageError({ file, reason, from, to }: RaftDamage): ExpectedError {
  const text = `${file}: ${reason}; entries from ${from} ${to === null ? 'on' : `to ${to}`} are lost on this disk`;
  return new ExpectedError('DISK_DAMAGED', text);
}

function asExpected(error: unknown): ExpectedError {
  if (error instanceof ExpectedError) return error;
  return new ExpectedError('DISK_DAMAGED', messageOf(error), { cause: error });
}
