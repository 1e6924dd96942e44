/**
 * Events on disk: ranges of offsets, each a log of its own whose positions are the offsets. Usually there is one. A
 * snapshot that jumps ahead of what we have begins another one and leaves a hole, until the events in it have been
 * fetched from another server (`event-backfill.ts`):
 *
 *     ├── 1 … 500 ──┤   hole: 501 … 800   ├── 801 …… live ──▶
 *
 * The hole is filled from its beginning on, behind the range before it. A range is readable as far as it is durable, and
 * the live one as far as it goes: what it has not written yet is in memory (`recent-events.ts`). Damage makes a hole as
 * well: what lies behind it becomes a range of its own.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../proto/assert.ts';
import { ExpectedError } from '../proto/errors.ts';
import type { Clock, Disk } from '../proto/ports.ts';
import { cannotRead, cannotWrite, type Damage } from '../proto/store/faults.ts';
import { listSegments, type Place, segmentPath } from '../proto/store/segment-files.ts';
import { SegmentLog } from '../proto/store/segments.ts';
import { behindGap, type Gap } from './gaps.ts';
import { type PageLimits, StoredEvent } from './recent-events.ts';

/** A record that holds one event as JSON. On disk; never changed. */
const eventType = 1;

export interface EventRangesOptions {
  /** Size of a segment file. Default 8 MiB. */
  readonly segmentBytes?: number;
  /** For the lazy hints of how far the logs were acknowledged. */
  readonly clock?: Clock;
}

export interface Span {
  /** Both included. */
  readonly from: number;
  readonly to: number;
}

/** Events that have to wait until there is a new live range. */
interface Held {
  /** First offset of that range. */
  readonly first: number;
  readonly events: StoredEvent[];
  readonly stored: Promise<void>;
  release(into: SegmentLog): void;
}

/** Offset of the last event of a range, also when it is not durable yet; `first - 1` when it is empty. */
function lastOf(range: SegmentLog): number {
  return range.next - 1;
}

export class EventRanges {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #options: EventRangesOptions;
  readonly #logId: string;
  /** Ascending and never empty; the last one is live. */
  #ranges: SegmentLog[] = [];
  /** Number of the next range, for the names of its files. */
  #nextNumber = 1;
  readonly #damage: Damage[] = [];
  /** Live ranges to come, oldest first: usually none. */
  #held: Held[] = [];
  #replacing: Promise<void> = Promise.resolve();
  /** See `gaps.ts`: between two ranges they are no hole. Set by the event log. */
  gaps: readonly Gap[] = [];

  private constructor(disk: Disk, folder: string, logId: string, options: EventRangesOptions) {
    this.#disk = disk;
    this.#folder = folder;
    this.#logId = logId;
    this.#options = options;
  }

  /**
   * Opens what is there, and sees to it that the live range goes on with `next` or later. `seen` gets the newest events
   * of the range that was live, in order: those of its last segment.
   */
  static async open(
    disk: Disk,
    folder: string,
    { logId, next }: { readonly logId: string; readonly next: number },
    options: EventRangesOptions,
    seen: (event: StoredEvent) => void,
  ): Promise<EventRanges> {
    const ranges = new EventRanges(disk, folder, logId, options);
    const found = await ranges.#clean();
    const live = found.at(-1);
    for (const { number, first } of found) {
      await ranges.#openRange(number, first, number === live?.number ? seen : undefined);
    }
    await ranges.begin(next);
    return ranges;
  }

  /** What could not be read. The files were set aside; what is missing is a hole now. */
  get damage(): readonly Damage[] {
    return this.#damage;
  }

  /** The range that grows. */
  get live(): SegmentLog {
    return this.#ranges.at(-1)!;
  }

  get last(): number {
    const held = this.#held.at(-1);
    return held === undefined ? lastOf(this.live) : held.first + held.events.length - 1;
  }

  /** Last durable offset of the range that holds this one. */
  flushedFrom(offset: number): number {
    return this.#rangeOf(offset)?.flushed ?? offset;
  }

  /** The offset from which on nothing is missing up to the last one. */
  get firstWithoutHole(): number {
    return this.#ranges[this.#lowestJoined()]!.first;
  }

  holds(offset: number): boolean {
    return this.#rangeOf(offset) !== undefined;
  }

  /** The nearest hole in front of `firstWithoutHole`, as far as `firstKept` does not lie behind it. */
  holeBehind(firstKept: number): Span | null {
    const lowest = this.#lowestJoined();
    const upper = this.#ranges[lowest]!;
    if (firstKept >= upper.first) return null;
    const below = this.#ranges[lowest - 1];
    return this.#withoutGap({
      from: Math.max(firstKept, below ? below.flushed + 1 : 1),
      to: upper.first - 1,
    });
  }

  /** Begins a live range at an offset, when there is none that goes so far. */
  async begin(next: number): Promise<void> {
    if (this.#ranges.length > 0 && this.last + 1 >= next) return;
    await this.#openRange(this.#nextNumber, next);
  }

  append(events: readonly StoredEvent[]): Promise<void> {
    assert(this.last + 1 === events[0]?.offset, 'events go on where the log ends');
    const held = this.#held.at(-1);
    if (held === undefined) return appendTo(this.live, events);
    held.events.push(...events);
    return held.stored;
  }

  /** What comes next begins at this offset, behind a gap. Resolves when everything in front of it is durable. */
  skip(next: number): Promise<void> {
    assert(this.last + 1 < next, 'a gap leaves something out');
    return this.#replaceLive(next);
  }

  /** Puts events at the beginning of a hole; durable when it resolves. */
  async fill(hole: Span, events: readonly StoredEvent[]): Promise<void> {
    for (const [at, { offset }] of events.entries()) {
      assert(offset === hole.from + at && offset <= hole.to, `event ${offset} belongs into the hole`);
    }
    let range = this.#ranges.find((candidate) => lastOf(candidate) + 1 === hole.from);
    range ??= await this.#openRange(this.#nextNumber, hole.from);
    assert(lastOf(range) + 1 === hole.from, 'what is filled in begins where its range ends');
    await appendTo(range, events);
  }

  /** From the range that holds the offset, up to its end at most. Rejects with DISK_DAMAGED or OFFSET_TRIMMED. */
  async read(offset: number, { limit, bytesMax }: PageLimits): Promise<StoredEvent[]> {
    const range = this.#rangeOf(offset);
    assert(range, `event ${offset} is there`);
    const records = await range.read(offset, limit, bytesMax);
    return records.map(({ position, body }) => new StoredEvent(position, body));
  }

  /** Reads everything once more. Rejects with DISK_DAMAGED, whose `data` is what `heal` wants. */
  async verify(): Promise<void> {
    for (const range of [...this.#ranges]) await range.verify();
  }

  /**
   * Something was found unreadable: the events behind its segment become a range of their own, and those of the
   * segment from the damage on a hole. Until that is done, the events of the range cannot be read. One at a time. Rejects
   * with CANNOT_WRITE.
   */
  async heal(damage: Damage): Promise<void> {
    const range = this.#ranges.find((candidate) => candidate.owns(damage.file));
    if (!range) return;
    this.#damage.push(damage);
    if (range === this.live) await this.#replaceLive(this.last + 1);
    this.#ranges = this.#ranges.filter((other) => other !== range);
    await range.close();
    const number = numberIn(damage.file);
    const behind = this.#nextNumber++;
    const damagedFirst = firstIn(damage.file);
    let moved: number | null;
    try {
      moved = await this.#moveBehind(number, damagedFirst, behind);
    } catch (error) {
      throw cannotWrite(damage.file, error);
    }
    await this.#openRange(number, damagedFirst);
    if (moved !== null) await this.#openRange(behind, moved);
  }

  /** Segments of a range behind this offset become a range of their own; answers where that begins, or null. */
  async #moveBehind(number: number, offset: number, behind: number): Promise<number | null> {
    const from = this.#place(number);
    // The hint would take what is moved for lost.
    await this.#disk.remove(`${this.#folder}/${from.prefix}hint`);
    let moved: number | null = null;
    for (const first of (await listSegments(from)).reverse()) {
      if (first <= offset) continue;
      await this.#disk.rename(segmentPath(from, first), segmentPath(this.#place(behind), first));
      await this.#disk.syncFolder(this.#folder);
      moved = first;
    }
    return moved;
  }

  /** Deletes what holds nothing from `firstKept` on. Rejects with CANNOT_WRITE. */
  async trim(firstKept: number): Promise<void> {
    const gone = this.#ranges.filter((range) => range !== this.live && lastOf(range) < firstKept);
    this.#ranges = this.#ranges.filter((range) => !gone.includes(range));
    for (const range of gone) await range.destroy();
    for (const range of this.#ranges) await range.trim(firstKept);
  }

  async close(): Promise<void> {
    for (const range of this.#ranges) await range.close();
  }

  async destroy(): Promise<void> {
    for (const range of this.#ranges) await range.destroy();
  }

  /** Our ranges, by their first offset. Files of another log id are left over from a restore and are removed. */
  async #clean(): Promise<{ number: number; first: number }[]> {
    const firsts = new Map<number, number>();
    const names = await this.#disk.list(this.#folder).catch((error: unknown) => {
      throw cannotRead(this.#folder, error);
    });
    for (const name of names) {
      if (!namePattern.test(name)) continue;
      const number = numberIn(name);
      if (!name.startsWith(tagOf(this.#logId))) await this.#remove(name);
      else if (!firsts.has(number)) firsts.set(number, firstIn(name));
    }
    const found = [...firsts].map(([number, first]) => ({ number, first }));
    return found.sort((a, b) => a.first - b.first);
  }

  async #remove(name: string): Promise<void> {
    const path = `${this.#folder}/${name}`;
    await this.#disk.remove(path).catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
  }

  async #openRange(number: number, first: number, seen?: (event: StoredEvent) => void): Promise<SegmentLog> {
    // Taken before anything is waited for: a hole may be filled while the live range moves on, and two ranges under one
    // number would write into the files of each other.
    this.#nextNumber = Math.max(this.#nextNumber, number + 1);
    const { segmentBytes = 8 * 1024 * 1024, clock } = this.#options;
    const options = {
      owner: { log: this.#logId },
      prefix: this.#place(number).prefix,
      scan: 'last',
      firstPosition: first,
      segmentBytes,
      ...(clock && { clock }),
    } as const;
    const range = await SegmentLog.open(this.#disk, this.#folder, options, {
      record: ({ type, position, body }) => {
        if (type !== eventType) throw unknownRecord(type);
        seen?.(new StoredEvent(position, Buffer.from(body)));
      },
    });
    if (range.damage) {
      if (!this.#damage.some(({ file }) => file === range.damage?.file)) this.#damage.push(range.damage);
      await range.setAside();
    }
    this.#ranges.push(range);
    this.#ranges.sort((a, b) => a.first - b.first);
    return range;
  }

  /** The live range has to be closed: events go on in a new one, and wait while that is made. */
  #replaceLive(first: number): Promise<void> {
    const held = hold(first);
    this.#held.push(held);
    this.#replacing = this.#replacing.then(async () => {
      await this.live.settled();
      const live = await this.#openRange(this.#nextNumber, first);
      this.#held.shift();
      held.release(live);
    });
    return this.#replacing;
  }

  #place(number: number): Place {
    const prefix = `${tagOf(this.#logId)}-${String(number).padStart(6, '0')}-`;
    return { disk: this.#disk, folder: this.#folder, prefix };
  }

  #rangeOf(offset: number): SegmentLog | undefined {
    return this.#ranges.find((range) => range.first <= offset && offset <= this.#readableUpTo(range));
  }

  /** A reader that was sent to what is still on its way to the disk would find nothing there, and ask again at once. */
  #readableUpTo(range: SegmentLog): number {
    return range === this.live ? lastOf(range) : range.flushed;
  }

  /** Index of the lowest range from which on one follows the other without a hole. */
  #lowestJoined(): number {
    let lowest = this.#ranges.length - 1;
    while (lowest > 0 && this.#follows(this.#ranges[lowest - 1]!, this.#ranges[lowest]!)) lowest--;
    return lowest;
  }

  #follows(below: SegmentLog, upper: SegmentLog): boolean {
    return behindGap(this.gaps, below.flushed + 1) >= upper.first;
  }

  /** The part of a hole that can be filled: the one nearest to its end, since only one gap may lie in between. */
  #withoutGap({ from, to }: Span): Span | null {
    const gap = this.gaps.findLast((each) => each.from <= to && each.to >= from);
    if (gap === undefined) return { from, to };
    if (gap.to < to) return { from: gap.to + 1, to };
    return gap.from > from ? this.#withoutGap({ from, to: gap.from - 1 }) : null;
  }
}

function appendTo(range: SegmentLog, events: readonly StoredEvent[]): Promise<void> {
  return range.append(events.map(({ json }) => ({ type: eventType, body: json })));
}

function hold(first: number): Held {
  const events: StoredEvent[] = [];
  let release: Held['release'] = () => {};
  const stored = new Promise<void>((resolve) => {
    release = (into) => resolve(events.length > 0 ? appendTo(into, events) : undefined);
  });
  return { first, events, stored, release: (into) => release(into) };
}

/** Names of files: tag, number of the range, and what the log of the range makes of it: first offset, or `hint`. */
const namePattern = /([0-9a-f]{8})-(\d{6})-(\d*)[^/]*$/;

function numberIn(path: string): number {
  return Number(namePattern.exec(path)?.[2]);
}

function firstIn(path: string): number {
  return Number(namePattern.exec(path)?.[3]);
}

/** Eight hexadecimal digits for a log id, for the names of files; the whole id is inside. */
function tagOf(logId: string): string {
  return crc32(logId).toString(16).padStart(8, '0');
}

function unknownRecord(type: number): ExpectedError {
  const text = `the event log holds a record of type ${type}, which this program does not know: start the newer version again`;
  return new ExpectedError('DISK_FOREIGN', text);
}
