/**
 * One listener: where it stands, what it wants, and the socket that it reads from. It catches up with a feed of its own,
 * joins the hub when it has, and leaves it when its socket is full:
 *
 *     catching up ──has reached the feed──▶ in the hub
 *          ▲                                    │ socket full, or the feed broke
 *          └──────────── room again ◀───────────┘
 */
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import { compileEventFilter } from '../../proto/event-filter.ts';
import type { HealthEvent, StreamRecord } from '../../proto/schema/event.ts';
import { positionOf } from '../../proto/stream-position.ts';
import { type FeedRequest, followEvents } from '../event-feed.ts';
import type { HttpContext } from './context.ts';
import type { EventHub, HubListener } from './event-hub.ts';
import type { EventSink } from './event-sinks.ts';
import type { EventBatch } from './event-text.ts';

/** A listener that hears nothing for this long would not know whether anybody is there. */
export const quietMs = 15_000;
/** So many events that do not match are passed over before the listener is told where it stands. */
const skippedMax = 1_000;

export interface ListenerStart {
  readonly request: FeedRequest;
  /** Where it stands before the first record. */
  readonly position: number;
  /** Last offset of the log when the request came: whoever is behind it catches up first. */
  readonly last: number;
  readonly logId: string;
}

export class EventListener implements HubListener {
  readonly #context: Pick<HttpContext, 'rpc' | 'clock'>;
  readonly #hub: EventHub;
  readonly #sink: EventSink;
  readonly #request: FeedRequest;
  readonly #logId: string;
  readonly #last: number;
  readonly #signal: AbortSignal;
  readonly #wantsAll: boolean;
  /** Null when only a server can say what matches (tags, services) or hands it out (a name): then it never joins. */
  readonly #matches: ((event: HealthEvent) => boolean) | null;
  /** Where a feed of its own begins: at the position, once that is known of a name. */
  #after: number | null;
  #position: number;
  #skipped = 0;
  #spokeMs: number;
  /** The hub's feed broke: a feed of its own has to show that there is one before it joins again. */
  #distrusts = false;
  #onLeft: () => void = () => {};

  constructor(
    context: Pick<HttpContext, 'rpc' | 'clock'>,
    hub: EventHub,
    sink: EventSink,
    start: ListenerStart,
    signal: AbortSignal,
  ) {
    const { filter, cursor } = start.request;
    this.#context = context;
    this.#hub = hub;
    this.#sink = sink;
    this.#request = start.request;
    this.#logId = start.logId;
    this.#last = start.last;
    this.#signal = signal;
    this.#position = start.position;
    this.#after = cursor !== undefined ? start.request.after : start.position;
    this.#wantsAll = Object.values(filter).every((part) => part.length === 0);
    const isLocal = cursor === undefined && filter.services.length === 0 && filter.tags.length === 0;
    this.#matches = isLocal ? compileEventFilter(filter, () => undefined) : null;
    this.#spokeMs = context.clock.nowMs();
  }

  get position(): number {
    return this.#position;
  }

  /** Until the client goes away, the agent stops, or the log has nothing more to say to this request. */
  async run(): Promise<void> {
    this.#hub.arrive(this);
    try {
      // Who comes without an offset learns where "now" was, and can go on from there.
      if (this.#request.after === null && this.#request.cursor === undefined)
        this.#say({ Position: this.#position });
      let isOver = false;
      while (!isOver && !this.#signal.aborted) {
        if (this.#joins()) await this.#untilLeft();
        else isOver = await this.#catchUp();
        await this.#sink.room();
      }
      if (this.#signal.aborted) this.#say(errorRecord(new ExpectedError('STOPPING')));
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#say(errorRecord(error));
    } finally {
      this.#hub.depart(this);
      this.#sink.end();
    }
  }

  receive(batch: EventBatch): boolean {
    const first = batch.records[0]!;
    const isNew = 'Offset' in first && first.Offset > this.#position;
    if (this.#wantsAll && isNew) {
      for (const record of batch.records) this.#advance(record);
      this.#spokeMs = this.#context.clock.nowMs();
      return this.#sink.writeBatch(batch);
    }
    let hasRoom = true;
    for (const record of batch.records) hasRoom = this.#pass(record) && hasRoom;
    return hasRoom;
  }

  leave(broken: boolean): void {
    this.#distrusts = broken;
    this.#onLeft();
  }

  onRound(nowMs: number): void {
    if (nowMs - this.#spokeMs >= quietMs && this.#sink.hasRoom) this.#say({ Position: this.#position });
  }

  #joins(): boolean {
    return !this.#distrusts && this.#isNear() && this.#hub.join(this, this.#logId);
  }

  /** Near enough to the end of the log for the hub, which is no place to catch up. */
  #isNear(): boolean {
    return this.#matches !== null && this.#position >= this.#last;
  }

  #untilLeft(): Promise<void> {
    return new Promise((resolve) => {
      const left = () => {
        this.#signal.removeEventListener('abort', left);
        resolve();
      };
      this.#onLeft = left;
      this.#signal.addEventListener('abort', left, { once: true });
    });
  }

  /** True when the feed has ended for good. */
  async #catchUp(): Promise<boolean> {
    const { rpc, clock } = this.#context;
    const request = { ...this.#request, after: this.#after, logId: this.#logId };
    const ports = { clock, signal: this.#signal, patient: true };
    for await (const record of followEvents(rpc, request, ports)) {
      const hasRoom = this.#isBeginning(record) ? this.#skip(record) : this.#say(record);
      if ('Error' in record) return true;
      if (!hasRoom) await this.#sink.room();
      if (this.#signal.aborted) return false;
      this.#distrusts = false;
      if (this.#isNear() && this.#hub.reaches(this, this.#logId)) return false;
    }
    return true;
  }

  /** `after=0` means "from the first that is kept", so what lies before that is no gap. */
  #isBeginning(record: StreamRecord): boolean {
    return this.#request.after === 0 && 'Gap' in record && record.Gap.From === 1;
  }

  /** A record of the hub: told when it is new and wanted. */
  #pass(record: StreamRecord): boolean {
    if ('Offset' in record) {
      if (record.Offset <= this.#position) return true;
      if (!this.#matches!(record)) return this.#skip(record);
    }
    // The hub's signs of life are its own.
    return 'Position' in record ? true : this.#say(record);
  }

  #advance(record: StreamRecord): void {
    this.#position = positionOf(record, this.#position);
    this.#after = this.#position;
  }

  #skip(record: StreamRecord): boolean {
    this.#advance(record);
    this.#skipped += 1;
    return this.#skipped < skippedMax || this.#say({ Position: this.#position });
  }

  #say(record: StreamRecord): boolean {
    if (!('Error' in record)) this.#advance(record);
    this.#skipped = 0;
    this.#spokeMs = this.#context.clock.nowMs();
    return this.#sink.write(record);
  }
}

function errorRecord(error: ExpectedError): StreamRecord {
  return { Error: { Code: error.code, Message: error.message } };
}
