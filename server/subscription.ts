/**
 * One reader of the event log: a cursor, not a queue. The log is the buffer; the reader asks for the next page when it
 * has room, and between two pages nothing is kept for it but a number. "Is there more?" is a comparison of two numbers,
 * so no event can slip through between "no" and "wake me".
 *
 *     cursor < last ──▶ read a page          cursor = last ──▶ wait to be woken, say where we are now and then
 */
import { ExpectedError, isExpected } from '../proto/errors.ts';
import type { Clock } from '../proto/ports.ts';
import type { HealthEvent, StreamNotice } from '../proto/schema/event.ts';
import type { Gap } from './gaps.ts';
import { type PageLimits, StoredEvent } from './recent-events.ts';

/** What is asked of the event log (`event-log.ts`). */
export interface EventSource {
  readonly logId: string;
  /** From here on everything can be read on this server. */
  readonly first: number;
  readonly last: number;
  /** The numbers around this one that no event has; readers are told of them. */
  gapAt(offset: number): Gap | undefined;
  read(after: number, limits: PageLimits): Promise<readonly StoredEvent[]>;
  readRecent(after: number, limits: PageLimits): readonly StoredEvent[] | undefined;
  onAppend(wake: () => void): () => void;
}

export interface SubscriptionPorts {
  readonly source: EventSource;
  readonly clock: Clock;
  /** First offset that retention keeps; what lies between it and `source.first` is on other servers. */
  firstKept(): number;
  /** Last offset of the leader; null while none answers. */
  leaderLast(): Promise<number | null>;
  /** Events behind `after` from another server, for a range that this one was filled up without. */
  elsewhere(after: number, signal: AbortSignal): AsyncIterable<HealthEvent>;
}

export interface SubscriptionRequest {
  /** null: from now. */
  readonly after: number | null;
  /** '' when the reader does not know which log its offset belongs to. */
  readonly logId: string;
  readonly matches: (event: HealthEvent) => boolean;
}

/** An event as it lies in the log, or a notice about the reader's position. */
export type SubscriptionItem = { readonly event: StoredEvent } | { readonly notice: StreamNotice };

/** One page; a reader that is slow holds no more than this. */
const page: PageLimits = { limit: 256, bytesMax: 256 * 1024 };
/** So many events that do not match are passed over in silence. */
const skippedMax = 1_000;
/** A quiet stream says where it is, as a sign of life. */
const quietMs = 15_000;
/** Wait before other servers are asked again: for the leader's last offset, or for events that are not here. */
const retryMs = 1_000;

/** Throws OFFSET_FUTURE beyond the leader's last offset, and OFFSET_TRIMMED for an offset of another log. */
export async function* subscribe(
  ports: SubscriptionPorts,
  request: SubscriptionRequest,
  signal: AbortSignal,
): AsyncGenerator<SubscriptionItem, void, undefined> {
  const { source } = ports;
  if (request.logId !== '' && request.logId !== source.logId) {
    const text = `offsets of log ${request.logId} mean nothing here: this is log ${source.logId}`;
    throw new ExpectedError('OFFSET_TRIMMED', text, { data: { first: ports.firstKept() } });
  }
  const cursor = new Cursor(ports, request, signal);
  if (request.after === null) yield cursor.position();
  else await cursor.reach(request.after);
  while (!signal.aborted) {
    yield* cursor.readOn();
    await cursor.wait();
    if (!signal.aborted && cursor.isQuiet) yield cursor.position();
  }
}

class Cursor {
  readonly #ports: SubscriptionPorts;
  readonly #matches: (event: HealthEvent) => boolean;
  readonly #signal: AbortSignal;
  /** Everything up to here was handed out or passed over. */
  #at: number;
  #skipped = 0;
  /** When the reader was last told anything. */
  #toldMs: number;

  constructor(ports: SubscriptionPorts, request: SubscriptionRequest, signal: AbortSignal) {
    this.#ports = ports;
    this.#matches = request.matches;
    this.#signal = signal;
    this.#at = request.after ?? ports.source.last;
    this.#toldMs = ports.clock.nowMs();
  }

  /** The reader's position may lie ahead of this server: it waits, unless it lies ahead of all of them. */
  async reach(after: number): Promise<void> {
    const { source } = this.#ports;
    while (after > source.last && !this.#signal.aborted) {
      const last = await this.#ports.leaderLast();
      if (last !== null && after > last && after > source.last) {
        const text = `offset ${after} lies beyond the end of the log, which is ${last}`;
        throw new ExpectedError('OFFSET_FUTURE', text, { data: { last } });
      }
      if (after > source.last) await this.#wakenOr(retryMs);
    }
  }

  position(): SubscriptionItem {
    this.#noteTold();
    return { notice: { Position: this.#at } };
  }

  /** Nothing was said for so long that the reader may think that nobody is there. */
  get isQuiet(): boolean {
    return this.#ports.clock.nowMs() - this.#toldMs >= quietMs;
  }

  /** Everything that there is now. */
  async *readOn(): AsyncGenerator<SubscriptionItem, void, undefined> {
    const { source } = this.#ports;
    while (this.#at < source.last && !this.#signal.aborted) {
      const firstKept = this.#ports.firstKept();
      if (this.#at + 1 < firstKept) yield this.#trimmed(firstKept);
      const gap = source.gapAt(this.#at + 1);
      if (gap !== undefined) {
        yield this.#gap(gap.to, gap.reason);
        continue;
      }
      const before = this.#at;
      if (before + 1 < source.first) yield* this.#readElsewhere();
      for (const event of await this.#page()) {
        yield* this.#take(event);
        if (this.#signal.aborted) return;
      }
      // Nothing could be read, and no gap says why: whoever asked again at once would let nobody else run.
      if (this.#at === before && before + 1 >= this.#ports.firstKept()) await this.#wakenOr(retryMs);
    }
  }

  /** Until there is more, or a sign of life is due. */
  async wait(): Promise<void> {
    if (this.#at < this.#ports.source.last) return;
    const quietForMs = this.#ports.clock.nowMs() - this.#toldMs;
    // At least a moment: a rest so small that it vanishes beside the clock's own reading would never be over.
    await this.#wakenOr(Math.max(1, quietMs - quietForMs));
  }

  async #page(): Promise<readonly StoredEvent[]> {
    const { source } = this.#ports;
    try {
      return source.readRecent(this.#at, page) ?? (await source.read(this.#at, page));
    } catch (error) {
      // Trimmed between the look and the reading: the next round tells of the gap.
      if (isExpected(error, 'OFFSET_TRIMMED')) return [];
      throw error;
    }
  }

  /** What this server was filled up without, until it has it or another server has passed it on. */
  async *#readElsewhere(): AsyncGenerator<SubscriptionItem, void, undefined> {
    const { source } = this.#ports;
    try {
      for await (const event of this.#ports.elsewhere(this.#at, this.#signal)) {
        if (event.Offset <= this.#at) continue;
        yield* this.#take(StoredEvent.from(event));
        if (this.#at + 1 >= source.first || this.#signal.aborted) return;
      }
    } catch (error) {
      if (!isExpected(error)) throw error;
    }
  }

  *#take(stored: StoredEvent): Generator<SubscriptionItem, void, undefined> {
    this.#at = stored.offset;
    if (this.#matches(stored.event)) {
      this.#noteTold();
      yield { event: stored };
      return;
    }
    this.#skipped += 1;
    if (this.#skipped >= skippedMax) yield this.position();
  }

  #trimmed(firstKept: number): SubscriptionItem {
    return this.#gap(firstKept - 1, `these events are no longer kept; the first one is ${firstKept}`);
  }

  #gap(to: number, reason: string): SubscriptionItem {
    const Gap = { From: this.#at + 1, To: to, Reason: reason };
    this.#at = to;
    this.#noteTold();
    return { notice: { Gap } };
  }

  #noteTold(): void {
    this.#skipped = 0;
    this.#toldMs = this.#ports.clock.nowMs();
  }

  /** Until something is appended, the reader goes away, or the time is over. */
  #wakenOr(timeoutMs: number): Promise<void> {
    const { source, clock } = this.#ports;
    if (this.#signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = () => {
        stopListening();
        timer.cancel();
        this.#signal.removeEventListener('abort', wake);
        resolve();
      };
      const stopListening = source.onAppend(wake);
      const timer = clock.after(timeoutMs, wake);
      this.#signal.addEventListener('abort', wake, { once: true });
    });
  }
}
