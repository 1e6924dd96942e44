/**
 * An append-only log of records in segment files, over the `Disk` port.
 *
 *   append ──▶ queue ──▶ one write, durable when it returns ──▶ everybody in it is told
 *
 * One write is under way at a time; whatever is appended meanwhile goes with the next one (group commit), so many
 * writers cost as many flushes as one. A write that fails is final: the log is `broken`, every later call rejects
 * with CANNOT_WRITE, and nothing is tried again, because after a failed flush nobody knows what is on the disk.
 *
 * Records have positions 1, 2, 3 … The log shrinks at the front by deleting whole segments. What a record means is
 * its owner's business; see `record.ts` for its bytes and `scan.ts` for what happens after a crash.
 */
import { assert } from '../assert.ts';
import { ExpectedError } from '../errors.ts';
import type { Clock, Disk } from '../ports.ts';
import { cannotRead, cannotWrite, type Damage, damaged } from './faults.ts';
import { Hint } from './hint.ts';
import { type LogRecord, recordHeaderBytes, type StoredRecord } from './record.ts';
import { type RecoveryVisitor, recover, setAsideFiles } from './recovery.ts';
import type { Place, Segment } from './segment-files.ts';
import { SegmentReader } from './segment-reader.ts';
import { type Group, type HeadMaker, Tail } from './tail.ts';

export interface SegmentLogOptions {
  /** Ids that every segment carries and that must agree when the log is opened again; '' is not known yet. */
  readonly owner?: Readonly<Record<string, string>>;
  /** Begins the names of the files, so that several logs can share a folder. Default ''. */
  readonly prefix?: string;
  /** Size of a segment file. Default 16 MiB. */
  readonly segmentBytes?: number;
  /** Position of the very first record of a new log. Default 1. */
  readonly firstPosition?: number;
  /** Which segments are read when the log is opened; the others are verified when they are read. Default `all`. */
  readonly scan?: 'all' | 'last';
  /** For the hint of the last acknowledged position; without it the hint is written at `close` only. */
  readonly clock?: Clock;
  /** Delay of the hint in milliseconds. Default 1,000. */
  readonly hintDelayMs?: number;
  /** Bytes that may wait for the disk; beyond it `append` rejects with BUSY. Default 256 MiB. */
  readonly queueBytesMax?: number;
}

interface WaitingGroup extends Group {
  resolve(): void;
  reject(error: ExpectedError): void;
}

export class SegmentLog {
  readonly #place: Place;
  readonly #options: SegmentLogOptions;
  readonly #hint: Hint;
  readonly #reader: SegmentReader;
  readonly #segmentBytes: number;
  readonly #queueBytesMax: number;
  #owner: Readonly<Record<string, string>>;
  #segments: Segment[] = [];
  #tail: Tail;
  #damage: Damage | null = null;
  #torn: string | null = null;
  #broken: ExpectedError | null = null;
  #closed = false;
  #next = 1;
  #queue: WaitingGroup[] = [];
  #queueBytes = 0;
  #flushing: Promise<void> | null = null;
  #trimming: Promise<void> = Promise.resolve();

  private constructor(place: Place, options: SegmentLogOptions) {
    this.#place = place;
    this.#options = options;
    this.#owner = options.owner ?? {};
    this.#segmentBytes = options.segmentBytes ?? 16 * 1024 * 1024;
    this.#queueBytesMax = options.queueBytesMax ?? 256 * 1024 * 1024;
    this.#reader = new SegmentReader(place.disk);
    this.#tail = this.#tailBehind(1, 0);
    const hintPath = `${place.folder}/${place.prefix}hint`;
    this.#hint = new Hint(place.disk, hintPath, options.clock, options.hintDelayMs ?? 1000);
  }

  /**
   * Opens the log in a folder, or makes it. Records of the scanned segments are shown to the visitor in order. Rejects
   * with CANNOT_WRITE, DISK_FOREIGN (ids, format) or DISK_DAMAGED (an error while reading); damage that was found is a
   * value, `log.damage`, and such a log can be read up to it and not written.
   */
  static async open(
    disk: Disk,
    folder: string,
    options: SegmentLogOptions = {},
    visit: RecoveryVisitor = {},
  ): Promise<SegmentLog> {
    const log = new SegmentLog({ disk, folder, prefix: options.prefix ?? '' }, options);
    try {
      await disk.makeFolder(folder);
    } catch (error) {
      throw cannotWrite(folder, error);
    }
    await log.#recover(visit, options.firstPosition ?? 1);
    return log;
  }

  /** First position that is still there; equal to `next` when the log is empty. */
  get first(): number {
    return this.#segments[0]?.first ?? this.#next;
  }

  /** Position that the next record will get. */
  get next(): number {
    return this.#next;
  }

  /** Last durable position; `first - 1` when there is none. */
  get flushed(): number {
    return this.#tail.next - 1;
  }

  get damage(): Damage | null {
    return this.#damage;
  }

  /** What was cut off the end when the log was opened, for people: a write that a crash had torn. */
  get torn(): string | null {
    return this.#torn;
  }

  /** Why nothing can be written any more. */
  get broken(): ExpectedError | null {
    return this.#broken;
  }

  /** Ids for the segments to come, once more is known than at the beginning. */
  set owner(owner: Readonly<Record<string, string>>) {
    this.#owner = owner;
    this.#tail.owner = owner;
  }

  /** Resolves when all of them are durable. They count together: after a crash all are there or none. */
  append(records: readonly LogRecord[], head?: HeadMaker): Promise<void> {
    const refused = this.#refusal();
    if (refused) return Promise.reject(refused);
    assert(records.length > 0, 'a group has records');
    let bytes = 0;
    for (const record of records) bytes += recordHeaderBytes + record.body.length;
    if (this.#queueBytes > 0 && this.#queueBytes + bytes > this.#queueBytesMax) {
      const text = `${this.#place.folder}: the disk does not keep up, ${this.#queueBytes} bytes are waiting for it`;
      return Promise.reject(new ExpectedError('BUSY', text));
    }
    this.#next += records.length;
    this.#queueBytes += bytes;
    return new Promise<void>((resolve, reject) => {
      this.#queue.push({ records, bytes, head, resolve, reject });
      // Not at once: what else is appended in this turn of the event loop goes with the same flush.
      this.#flushing ??= Promise.resolve().then(() => this.#flushAll());
    });
  }

  /** Resolves when everything appended so far is durable or has failed. */
  async settled(): Promise<void> {
    while (this.#flushing) await this.#flushing;
  }

  /**
   * Durable records from a position on, at least one, at most `countMax` and `bytesMax` (of bodies); `[]` behind the
   * end. Rejects with OFFSET_TRIMMED, or with DISK_DAMAGED when one of them cannot be read.
   */
  async read(position: number, countMax: number, bytesMax: number): Promise<StoredRecord[]> {
    const found: StoredRecord[] = [];
    let bytes = 0;
    while (position < this.#tail.next && found.length < countMax && bytes < bytesMax) {
      if (position < this.first) {
        throw new ExpectedError(
          'OFFSET_TRIMMED',
          `${this.#place.folder}: ${position} lies before ${this.first}`,
        );
      }
      const at = this.#segmentOf(position);
      const following = this.#segments[at + 1] ?? null;
      const until = Math.min(following?.first ?? this.#tail.next, position + countMax - found.length);
      const range = { from: position, until, bytesMax: bytesMax - bytes };
      for (const record of await this.#reader.read(this.#segments[at]!, following, range)) {
        bytes += record.body.length;
        if (found.length > 0 && bytes > bytesMax) return found;
        found.push(record);
        position++;
      }
    }
    return found;
  }

  /** Reads every sealed segment once more. Rejects with DISK_DAMAGED at the first that is not what was written. */
  async verify(): Promise<void> {
    for (const segment of [...this.#segments]) {
      const following = this.#segments[this.#segments.indexOf(segment) + 1];
      // The last one was scanned when the log was opened; one that is gone has been trimmed meanwhile.
      if (following && this.#segments.includes(segment)) await this.#reader.verify(segment, following);
    }
  }

  /** Whether a file is one of this log. */
  owns(path: string): boolean {
    return path.startsWith(`${this.#place.folder}/${this.#place.prefix}`);
  }

  /** Deletes the segments that hold nothing from `position` on. The one that is being written stays. */
  trim(position: number): Promise<void> {
    const run = this.#trimming.then(async () => {
      while (this.#segments.length > 1 && this.#segments[1]!.first <= position) {
        const [gone] = this.#segments.splice(0, 1);
        try {
          await this.#place.disk.remove(gone!.path);
          // One by one: a crash must never leave an older segment in front of a hole.
          await this.#place.disk.syncFolder(this.#place.folder);
        } catch (error) {
          throw cannotWrite(gone!.path, error);
        }
      }
    });
    this.#trimming = run.catch(() => {});
    return run;
  }

  /**
   * After the owner has noted the damage durably: the damaged files get the ending `.damaged` and the log goes on
   * behind its last good record, as if what followed had never been there. Rejects with CANNOT_WRITE.
   */
  async setAside(): Promise<void> {
    const damage = this.#damage;
    assert(damage, 'there is damage to set aside');
    await setAsideFiles(this.#place, this.#segments, damage);
    try {
      // An empty log has nothing that could be missing; otherwise the hint would tell of the same loss again.
      await this.#hint.reset(this.#segments.length === 0 ? 0 : damage.from - 1);
    } catch (error) {
      throw cannotWrite(damage.file, error);
    }
    await this.#recover({}, damage.from);
    assert(this.#damage === null, 'damage that was set aside is gone');
  }

  /** Waits for what is under way, notes how far the log is and closes its files. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.settled();
    await this.#trimming;
    // What fails now takes nothing with it: all that was promised is durable already.
    await this.#hint.close().catch(() => {});
    await this.#tail.close().catch(() => {});
  }

  /**
   * Removes the files of the log, from the front; first the hint, which would take what is removed for lost after a crash.
   * Rejects with CANNOT_WRITE.
   */
  async destroy(): Promise<void> {
    await this.close();
    const { disk, folder, prefix } = this.#place;
    const hint = `${folder}/${prefix}hint`;
    const segments = this.#segments.map(({ path }) => path);
    for (const path of [hint, ...segments]) {
      try {
        await disk.remove(path);
        await disk.syncFolder(folder);
      } catch (error) {
        throw cannotWrite(path, error);
      }
    }
  }

  #refusal(): ExpectedError | null {
    if (this.#broken) return this.#broken;
    if (this.#damage) return damaged(this.#damage);
    return this.#closed ? new ExpectedError('STOPPING', `${this.#place.folder}: the log is closed`) : null;
  }

  async #recover(visit: RecoveryVisitor, firstPosition: number): Promise<void> {
    const { scan = 'all' } = this.#options;
    try {
      const acknowledged = await this.#hint.read();
      const found = await recover(this.#place, { owner: this.#owner, scan, acknowledged }, visit);
      this.#segments = found.segments;
      this.#damage = found.damage;
      this.#torn = found.torn;
      this.#next = found.next || firstPosition;
      this.#tail = this.#tailBehind(this.#next, found.checksum);
      if (found.damage) return;
      if (acknowledged < this.flushed) this.#hint.acknowledge(this.flushed);
    } catch (error) {
      throw cannotRead(this.#place.folder, error);
    }
    try {
      await this.#tail.open();
    } catch (error) {
      throw cannotWrite(this.#place.folder, error);
    }
  }

  #tailBehind(next: number, checksum: number): Tail {
    const options = { segmentBytes: this.#segmentBytes, owner: this.#owner, next, checksum };
    return new Tail(this.#place, this.#segments, options);
  }

  async #flushAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const groups = this.#takeGroups();
      try {
        await this.#tail.write(groups);
      } catch (error) {
        this.#breakDown(error, groups);
        break;
      }
      this.#hint.acknowledge(this.flushed);
      for (const group of groups) group.resolve();
    }
    this.#flushing = null;
  }

  /** What goes with the next write: half a segment at most, unless a single group is larger. */
  #takeGroups(): WaitingGroup[] {
    const bytesMax = this.#segmentBytes / 2;
    let bytes = 0;
    let count = 0;
    for (const group of this.#queue) {
      if (count > 0 && bytes + group.bytes > bytesMax) break;
      bytes += group.bytes;
      count++;
    }
    this.#queueBytes -= bytes;
    return this.#queue.splice(0, count);
  }

  #breakDown(error: unknown, groups: readonly WaitingGroup[]): void {
    const broken = cannotWrite(this.#segments.at(-1)?.path ?? this.#place.folder, error);
    this.#broken = broken;
    const all = [...groups, ...this.#queue.splice(0)];
    this.#queueBytes = 0;
    for (const group of all) group.reject(broken);
  }

  #segmentOf(position: number): number {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#segments[middle]!.first <= position) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
