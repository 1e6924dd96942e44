/**
 * Where in the log the changes of each node and check lie, so that a question about one of them does not read what
 * happened to all others. Made when somebody asks for the first time and carried on from there with each question; it
 * holds numbers only, some 30 bytes a change, and what people want to read stays in the log.
 */
import { isExpected } from '../proto/errors.ts';
import type { HealthEvent } from '../proto/schema/event.ts';
import { checkStatus, nodeState } from '../proto/schema/status.ts';
import type { PageLimits } from './recent-events.ts';
import type { EventSource } from './subscription.ts';

export type HistorySource = Pick<EventSource, 'logId' | 'first' | 'last' | 'read'>;

const page: PageLimits = { limit: 1_000, bytesMax: 1024 * 1024 };
/** Changes that are remembered; with more of them the oldest go, and history begins later. */
const changesMaxDefault = 2_000_000;

/** What became of one node or check, oldest first. */
export class Timeline {
  /** What held before the first change that is known. */
  before: string;
  readonly offsets: number[] = [];
  readonly timesMs: number[] = [];
  /** The new status or state; '' when the thing was gone. */
  readonly statuses: string[] = [];
  /** When its node or service went, which takes it away without an event of its own; null after a later change. */
  goneMs: number | null = null;
  /** Service of a check, '' for others. */
  service = '';

  constructor(before: string) {
    this.before = before;
  }

  get last(): string {
    return this.statuses.at(-1) ?? this.before;
  }

  add(offset: number, atMs: number, status: string): void {
    this.offsets.push(offset);
    this.timesMs.push(atMs);
    this.statuses.push(status);
    this.goneMs = null;
  }

  /** Answers how many went. */
  dropBefore(offset: number): number {
    const kept = this.offsets.findIndex((each) => each >= offset);
    const count = kept === -1 ? this.offsets.length : kept;
    if (count === 0) return 0;
    this.before = this.statuses[count - 1]!;
    for (const column of [this.offsets, this.timesMs, this.statuses]) column.splice(0, count);
    return count;
  }
}

export class HistoryIndex {
  readonly #source: HistorySource;
  readonly #changesMax: number;
  /** By node, then by check; '' is the node itself. */
  readonly #nodes = new Map<string, Map<string, Timeline>>();
  #logId = '';
  /** Everything from here on was looked at … */
  #first = 1;
  /** … up to here. */
  #at = 0;
  #changes = 0;
  #working: Promise<void> | null = null;

  constructor(source: HistorySource, changesMax = changesMaxDefault) {
    this.#source = source;
    this.#changesMax = changesMax;
  }

  /** First offset that it knows of. */
  get first(): number {
    return this.#first;
  }

  /** Brings it up to the end of the log; several who ask at once share the work. */
  async catchUp(): Promise<void> {
    this.#working ??= this.#readOn().finally(() => {
      this.#working = null;
    });
    return this.#working;
  }

  /** Undefined when nothing is known of it. */
  timeline(node: string, check: string): Timeline | undefined {
    return this.#nodes.get(node)?.get(check);
  }

  async #readOn(): Promise<void> {
    const source = this.#source;
    // Another log, or a hole before what we know was filled.
    if (source.logId !== this.#logId || source.first < this.#first) this.#begin();
    if (source.first > this.#first) this.#dropBefore(source.first);
    this.#at = Math.max(this.#at, this.#first - 1);
    while (this.#at < source.last) {
      const events = await this.#readPage();
      for (const { event } of events) this.#take(event);
      const next = events.at(-1)?.offset ?? source.first - 1;
      if (next <= this.#at) return;
      this.#at = next;
      this.#keepBound();
    }
  }

  #begin(): void {
    this.#nodes.clear();
    this.#logId = this.#source.logId;
    this.#first = this.#source.first;
    this.#at = 0;
    this.#changes = 0;
  }

  async #readPage() {
    try {
      return await this.#source.read(this.#at, page);
    } catch (error) {
      // Retention overtook the reading: it goes on where the log begins now.
      if (isExpected(error, 'OFFSET_TRIMMED')) return [];
      throw error;
    }
  }

  #take(event: HealthEvent): void {
    if (event.Check !== '') {
      if (event.Kind.startsWith('check.')) this.#add(event).service = event.Service;
    } else if (event.Kind.startsWith('node.') && event.From !== event.To) this.#add(event);
    this.#noteGone(event);
  }

  #add(event: HealthEvent): Timeline {
    const timelines = this.#nodes.get(event.Node) ?? new Map<string, Timeline>();
    this.#nodes.set(event.Node, timelines);
    let timeline = timelines.get(event.Check);
    if (timeline === undefined) {
      timeline = new Timeline(shared(event.From));
      timelines.set(event.Check, timeline);
    } else if (event.From === '' && timeline.last !== '' && timeline.goneMs !== null) {
      // It was there, is there anew, and nobody said that it went: it went with its node or service.
      timeline.add(event.Offset, timeline.goneMs, '');
      this.#changes += 1;
    }
    timeline.add(event.Offset, timeOf(event), shared(event.To));
    this.#changes += 1;
    return timeline;
  }

  #noteGone(event: HealthEvent): void {
    const byNode = event.Kind === 'node.left' || event.Kind === 'node.reaped';
    if (!byNode && event.Kind !== 'service.deregistered') return;
    for (const [check, timeline] of this.#nodes.get(event.Node) ?? []) {
      if (check !== '' && (byNode || timeline.service === event.Service)) timeline.goneMs = timeOf(event);
    }
  }

  #keepBound(): void {
    while (this.#changes > this.#changesMax) {
      this.#dropBefore(this.#first + Math.ceil((this.#at - this.#first + 1) / 10));
    }
  }

  #dropBefore(first: number): void {
    this.#first = first;
    for (const [node, timelines] of this.#nodes) {
      for (const [check, timeline] of timelines) {
        this.#changes -= timeline.dropBefore(first);
        const isGone = timeline.last === '' || timeline.goneMs !== null;
        if (timeline.offsets.length === 0 && isGone) timelines.delete(check);
      }
      if (timelines.size === 0) this.#nodes.delete(node);
    }
  }
}

/** One text for each usual status, however often it occurs; each event that is read brings a copy. */
const usual = new Map(
  [...nodeState.options, ...checkStatus.options, ''].map((text) => [text as string, text]),
);

function shared(text: string): string {
  return usual.get(text) ?? text;
}

/** When it was observed, if an agent says so: news that came late belong to where they happened. */
function timeOf(event: HealthEvent): number {
  return Date.parse(event.ObservedAt === '' ? event.Time : event.ObservedAt);
}
