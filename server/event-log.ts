/**
 * Every change of health, in order, with dense numbers that the state machine gives: 1, 2, 3 …
 *
 * An event can be read as soon as it was appended: that it is committed is what matters, and the Raft log is what makes
 * it durable. On disk it is soon after; a snapshot waits for `flushed`. After a restart the state machine applies the
 * end of the Raft log again: events that are here already are recognised, compared, and not written twice.
 *
 * The newest events stay in memory as JSON text, made once for all readers; older ones come from disk.
 */
import { isDeepStrictEqual } from 'node:util';
import { assert } from '../proto/assert.ts';
import { ExpectedError, isExpected } from '../proto/errors.ts';
import type { Disk } from '../proto/ports.ts';
import type { HealthEvent } from '../proto/schema/event.ts';
import type { Damage } from '../proto/store/faults.ts';
import { EventRanges, type EventRangesOptions, type Span } from './event-ranges.ts';
import { behindGap, type Gap, gapAt } from './gaps.ts';
import { type PageLimits, RecentEvents, StoredEvent } from './recent-events.ts';

/** Where the state machine stands: `State.events` of a snapshot, or of a new cluster. */
export interface EventPlace {
  readonly logId: string;
  /** First offset that retention keeps. */
  readonly first: number;
  /** Last offset that was given; 0 before the first event. */
  readonly last: number;
  readonly gaps: readonly Gap[];
}

export interface EventLogOptions extends EventRangesOptions {
  /** Bytes of JSON of the newest events that stay in memory. Default 4 MiB. */
  readonly memoryBytesMax?: number;
}

/** Events that are compared with what is on disk at once. */
const comparedAtOnce = 500;

export class EventLog {
  /** Set by the server: the log cannot be written any more, or holds something else than the servers agreed on. */
  onFault: ((error: ExpectedError) => void) | null = null;

  readonly #disk: Disk;
  readonly #folder: string;
  readonly #options: EventLogOptions;
  #recent: RecentEvents;
  readonly #wakers = new Set<() => void>();
  #ranges: EventRanges;
  #place: EventPlace;
  #fault: ExpectedError | null = null;
  #appended: Promise<void> = Promise.resolve();
  /** Events that were appended again and lie on disk only, until they have been compared. */
  #repeated: StoredEvent[] = [];
  #comparing: Promise<void> | null = null;
  #healing: Promise<void> = Promise.resolve();

  private constructor(
    disk: Disk,
    folder: string,
    place: EventPlace,
    options: EventLogOptions,
    opened: Opened,
  ) {
    this.#disk = disk;
    this.#folder = folder;
    this.#options = options;
    // A copy: the state machine goes on counting in its own.
    this.#place = { ...place };
    this.#ranges = opened.ranges;
    this.#recent = opened.recent;
    this.#ranges.gaps = place.gaps;
  }

  /**
   * Opens the events of a server for a state machine that stands at `place`. What it should hold and does not is a hole
   * (`missing`), to be filled from another server. Rejects with CANNOT_WRITE, DISK_FOREIGN or DISK_DAMAGED (when the
   * disk reports an error); damage that was found is a value.
   */
  static async open(
    disk: Disk,
    folder: string,
    place: EventPlace,
    options: EventLogOptions = {},
  ): Promise<EventLog> {
    const log = new EventLog(disk, folder, place, options, await openAt(disk, folder, place, options));
    await log.#ranges.trim(place.first);
    return log;
  }

  get logId(): string {
    return this.#place.logId;
  }

  /** First offset from which on everything can be read here. Moves up with retention and down when a hole is filled. */
  get first(): number {
    return Math.max(this.#place.first, this.#ranges.firstWithoutHole);
  }

  /** Last offset; 0 before the first event. May be ahead of the state machine while that catches up with its own log. */
  get last(): number {
    return this.#ranges.last;
  }

  /** Last offset that is durable. */
  get flushedOffset(): number {
    return this.#ranges.live.flushed;
  }

  /** What was found damaged, at the start or later; the files were set aside, and the events are a hole. */
  get damage(): readonly Damage[] {
    return this.#ranges.damage;
  }

  /** Kept by retention and not here: the hole that is to be filled next, from its beginning on; null when there is none. */
  get missing(): Span | null {
    return this.#ranges.holeBehind(this.#place.first);
  }

  /** Whether this very event can be read here. */
  holds(offset: number): boolean {
    return offset >= this.#place.first && this.#ranges.holds(offset);
  }

  /** Numbers that no event has, see `gaps.ts`. */
  gapAt(offset: number): Gap | undefined {
    return gapAt(this.#place.gaps, offset);
  }

  /** The state machine passes over these numbers; what comes next lies behind them. */
  skip(gap: Gap): void {
    if (this.#fault) throw this.#fault;
    const { gaps } = this.#place;
    if (gapAt(gaps, gap.from) === undefined) this.#setPlace({ ...this.#place, gaps: [...gaps, gap] });
    if (gap.to <= this.last) return;
    assert(gap.from === this.last + 1, `a gap from ${gap.from} after ${this.last}`);
    const before = this.#appended;
    const moved = this.#ranges.skip(gap.to + 1);
    this.#appended = Promise.all([before, moved]).then(
      () => {},
      (error: unknown) => this.#fail(error as ExpectedError),
    );
    this.#recent.clear();
    for (const wake of this.#wakers) wake();
  }

  /** Events in order, as the state machine gives them. Throws CANNOT_WRITE or DISK_DAMAGED once there was a fault. */
  append(events: readonly HealthEvent[]): void {
    if (this.#fault) throw this.#fault;
    const fresh: StoredEvent[] = [];
    let { last } = this;
    for (const event of events) {
      const stored = StoredEvent.from(event);
      if (event.Offset <= last) {
        this.#recognise(stored);
        continue;
      }
      assert(event.Offset === last + 1, `event ${event.Offset} after ${last}`);
      last++;
      fresh.push(stored);
    }
    if (fresh.length === 0) return;
    this.#appended = this.#ranges.append(fresh).then(
      () => this.#recent.shrink(this.flushedOffset),
      (error: unknown) => this.#fail(error as ExpectedError),
    );
    for (const event of fresh) this.#recent.append(event);
    for (const wake of this.#wakers) wake();
  }

  /** Resolves when everything that was appended so far is durable, and what was appended again has been compared. */
  async flushed(): Promise<void> {
    await this.#appended;
    while (this.#comparing) await this.#comparing;
    if (this.#fault) throw this.#fault;
  }

  /**
   * Events behind `after`; `[]` when there are none yet. A gap is passed over: who has to know asks `gapAt`. May be shorter than asked for. Rejects with OFFSET_TRIMMED when
   * the next one is not here, or is found to be damaged: `data.first` says from where on everything can be read.
   */
  async read(after: number, limits: PageLimits): Promise<readonly StoredEvent[]> {
    const recent = this.readRecent(after, limits);
    if (recent) return recent;
    const next = behindGap(this.#place.gaps, after + 1);
    // What a gap has pushed out of memory may be on its way to the disk yet.
    if (next > this.#ranges.flushedFrom(next)) await this.#appended;
    try {
      return await this.#ranges.read(next, limits);
    } catch (error) {
      await this.#heal(error);
      throw this.#notHere(next);
    }
  }

  /** Reads every file once more, in the background; what has decayed on the disk becomes a hole. */
  async verify(): Promise<void> {
    for (;;) {
      try {
        await this.#ranges.verify();
        return;
      } catch (error) {
        await this.#heal(error);
      }
    }
  }

  /** As `read`, at once, when the next event is in memory; undefined when it has to be read from disk. */
  readRecent(after: number, limits: PageLimits): readonly StoredEvent[] | undefined {
    if (after >= this.last) return [];
    const next = behindGap(this.#place.gaps, after + 1);
    if (next > this.last) return [];
    // What is in memory can be read whatever becomes of the files.
    if (next < this.#place.first) throw this.#notHere(next);
    const recent = this.#recent.read(next, limits);
    if (!recent && !this.holds(next)) throw this.#notHere(next);
    return recent;
  }

  /** Calls back after each append. Returns how to end that. */
  onAppend(wake: () => void): () => void {
    this.#wakers.add(wake);
    return () => this.#wakers.delete(wake);
  }

  /** Everything before `firstKept` may go. Takes effect at once; resolves when the files are gone. */
  async trim(firstKept: number): Promise<void> {
    if (firstKept <= this.#place.first) return;
    const gaps = this.#place.gaps.filter(({ to }) => to >= firstKept);
    this.#setPlace({ ...this.#place, first: firstKept, gaps });
    this.#recent.dropBefore(firstKept);
    await this.#ranges.trim(firstKept).catch((error: unknown) => this.#fail(error as ExpectedError));
  }

  /** Fills the beginning of `missing` with events of another server; durable when it resolves. */
  async backfill(events: readonly StoredEvent[]): Promise<void> {
    if (events.length === 0) return;
    const hole = this.missing;
    assert(hole, 'there is a hole to fill');
    await this.#ranges.fill(hole, events);
  }

  /**
   * A snapshot took the place of the state: the log goes on behind `place.last`. With another log id, everything that
   * was here is void and is deleted.
   */
  async moveTo(place: EventPlace): Promise<void> {
    await this.flushed();
    if (place.logId === this.logId) {
      const before = this.last;
      this.#setPlace({ ...place, first: this.#place.first });
      await this.#ranges.begin(place.last + 1);
      if (this.last !== before) this.#recent.clear();
      await this.trim(place.first);
    } else {
      await this.#ranges.destroy();
      ({ ranges: this.#ranges, recent: this.#recent } = await openAt(
        this.#disk,
        this.#folder,
        place,
        this.#options,
      ));
      this.#setPlace({ ...place });
    }
    for (const wake of this.#wakers) wake();
  }

  async close(): Promise<void> {
    await this.#ranges.close();
  }

  /** The same event again is normal after a restart; another one under its number is damage. */
  #recognise(event: StoredEvent): void {
    const known = this.#recent.get(event.offset);
    if (known) this.#compare(known, event);
    else if (this.holds(event.offset)) {
      this.#repeated.push(event);
      this.#comparing ??= this.#compareRepeated();
    }
  }

  async #compareRepeated(): Promise<void> {
    try {
      while (this.#repeated.length > 0) {
        const events = this.#repeated.splice(0, comparedAtOnce);
        const limits = { limit: events.length, bytesMax: Number.MAX_SAFE_INTEGER };
        const known = new Map<number, StoredEvent>();
        for (const event of events) {
          if (!known.has(event.offset) && this.holds(event.offset)) {
            for (const found of await this.#readIfHere(event.offset, limits)) known.set(found.offset, found);
          }
          const stored = known.get(event.offset);
          if (stored) this.#compare(stored, event);
        }
      }
    } catch (error) {
      this.#fail(error as ExpectedError);
    }
    this.#comparing = null;
  }

  async #readIfHere(offset: number, limits: PageLimits): Promise<readonly StoredEvent[]> {
    try {
      return await this.read(offset - 1, limits);
    } catch (error) {
      if (isExpected(error, 'OFFSET_TRIMMED')) return [];
      throw error;
    }
  }

  #compare(stored: StoredEvent, again: StoredEvent): void {
    // Keys may come in another order after an update of the program; that is no difference.
    if (Buffer.compare(stored.json, again.json) === 0 || isDeepStrictEqual(stored.event, again.event)) return;
    const text = `${this.#folder}: event ${again.offset} on this disk is not the one that the servers agreed on`;
    this.#fail(new ExpectedError('DISK_DAMAGED', text, { data: { from: again.offset, to: again.offset } }));
  }

  #setPlace(place: EventPlace): void {
    this.#place = place;
    this.#ranges.gaps = place.gaps;
  }

  #notHere(offset: number): ExpectedError {
    const { first } = this;
    const text = `event ${offset} is not kept here; from ${first} on all are`;
    return new ExpectedError('OFFSET_TRIMMED', text, { data: { first } });
  }

  /** Damage is healed and then forgotten; anything else is thrown again. */
  async #heal(error: unknown): Promise<void> {
    if (isExpected(error, 'OFFSET_TRIMMED')) return;
    const damage = isExpected(error, 'DISK_DAMAGED') ? (error.data as Damage | null) : null;
    if (!damage) throw error;
    const known = this.damage.length;
    this.#healing = this.#healing.then(async () => {
      if (this.damage.length === known) await this.#ranges.heal(damage);
    });
    try {
      await this.#healing;
    } catch (reason) {
      this.#fail(reason as ExpectedError);
      throw reason;
    }
  }

  #fail(error: ExpectedError): void {
    if (this.#fault) return;
    this.#fault = error;
    this.onFault?.(error);
  }
}

interface Opened {
  readonly ranges: EventRanges;
  readonly recent: RecentEvents;
}

async function openAt(
  disk: Disk,
  folder: string,
  place: EventPlace,
  options: EventLogOptions,
): Promise<Opened> {
  const recent = new RecentEvents(options.memoryBytesMax ?? 4 * 1024 * 1024);
  const where = { logId: place.logId, next: place.last + 1 };
  let last = 0;
  const ranges = await EventRanges.open(disk, folder, where, options, (event) => {
    recent.append(event);
    recent.shrink(event.offset);
    last = event.offset;
  });
  // The state machine has been carried beyond what was read.
  if (ranges.last !== last) recent.clear();
  recent.dropBefore(place.first);
  return { ranges, recent };
}
