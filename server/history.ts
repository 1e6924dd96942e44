/** Since when, how often, how well: the past of one check or node, from the event log. */
import { isExpected } from '../proto/errors.ts';
import type { Clock } from '../proto/ports.ts';
import type { HistoryAnswer, HistoryQuery, HistorySpan } from '../proto/rpc.ts';
import type { Catalog } from './catalog/catalog.ts';
import { HistoryIndex, type HistorySource, type Timeline } from './history-index.ts';

/** Spans of one answer; the oldest are left out. */
const spansMax = 10_000;
/** The newest spans come with their output, each of which is read from the log. */
const outputsMax = 1_000;
/** A check that passes and a node that lives are up; a time of which nothing is known counts neither way. */
const upStatuses = new Set(['passing', 'alive']);
const unknownStatuses = new Set(['', 'pending']);

export interface HistoryPorts {
  readonly source: HistorySource;
  readonly clock: Clock;
  catalog(): Pick<Catalog, 'node' | 'check'>;
}

/** What the catalog holds now: it knows of changes that lie before the first event that is kept. */
interface Present {
  readonly status: string;
  /** null: the catalog does not keep it. */
  readonly sinceMs: number | null;
  readonly output: string;
}

/** Without an end: the next one begins there. */
interface Span {
  readonly status: string;
  readonly fromMs: number;
  /** Offset of the event that began it; 0 when that one is not known. */
  readonly offset: number;
}

export class History {
  readonly #ports: HistoryPorts;
  readonly #index: HistoryIndex;

  constructor(ports: HistoryPorts) {
    this.#ports = ports;
    this.#index = new HistoryIndex(ports.source);
  }

  async read(query: HistoryQuery): Promise<HistoryAnswer> {
    const { source, clock } = this.#ports;
    await this.#index.catchUp();
    const { last: offset, logId } = source;
    const knownMs = await this.#knownFromMs();
    const present = this.#present(query);
    const timeline = this.#index.timeline(query.node, query.check);
    const spans =
      timeline === undefined || timeline.offsets.length === 0
        ? unchanged(timeline?.before ?? present?.status ?? '', present?.sinceMs ?? knownMs, query.sinceMs)
        : spansOf(timeline, present !== null, knownMs, query.sinceMs);
    const untilMs = Math.max(clock.wallMs(), spans.at(-1)?.fromMs ?? 0);
    return {
      spans: await this.#shown(spans, present),
      changes: spans.filter((span) => span.offset !== 0 && span.fromMs > query.sinceMs).length,
      ...shares(spans, untilMs),
      untilMs,
      statusSinceMs: timeline?.timesMs.at(-1) ?? present?.sinceMs ?? null,
      truncated: knownMs > query.sinceMs || spans.length > spansMax,
      offset,
      logId,
    };
  }

  /** Nothing that lies before this was looked at; 0 when everything was. */
  async #knownFromMs(): Promise<number> {
    const { first } = this.#index;
    if (first === 1) return 0;
    const event = await this.#event(first);
    return event === null ? 0 : Date.parse(event.Time);
  }

  #present({ node, check }: HistoryQuery): Present | null {
    const catalog = this.#ports.catalog();
    if (check === '') {
      const row = catalog.node(node);
      return row === undefined ? null : { status: row.state, sinceMs: null, output: '' };
    }
    const row = catalog.check(node, check);
    if (row === undefined) return null;
    return { status: row.status, sinceMs: Date.parse(row.lastChange), output: row.output };
  }

  async #shown(spans: readonly Span[], present: Present | null): Promise<HistorySpan[]> {
    const firstShown = Math.max(0, spans.length - spansMax);
    const firstTold = spans.length - outputsMax;
    const shown: HistorySpan[] = [];
    for (let at = firstShown; at < spans.length; at++) {
      const span = spans[at]!;
      const next = spans[at + 1];
      let output = '';
      if (span.offset !== 0 && at >= firstTold) output = (await this.#event(span.offset))?.Output ?? '';
      else if (next === undefined && span.status === present?.status) output = present.output;
      shown.push({ ...span, toMs: next?.fromMs ?? null, output });
    }
    return shown;
  }

  /** null when retention has taken it meanwhile. */
  async #event(offset: number) {
    try {
      const [stored] = await this.#ports.source.read(offset - 1, { limit: 1, bytesMax: 1 });
      return stored?.event ?? null;
    } catch (error) {
      if (isExpected(error, 'OFFSET_TRIMMED')) return null;
      throw error;
    }
  }
}

/** The same all the time, as far as anybody knows. */
function unchanged(status: string, statusSinceMs: number, sinceMs: number): Span[] {
  return status === '' ? [] : [{ status, fromMs: Math.max(sinceMs, statusSinceMs), offset: 0 }];
}

function spansOf(timeline: Timeline, isThere: boolean, knownMs: number, sinceMs: number): Span[] {
  const { before, offsets, timesMs, statuses, goneMs } = timeline;
  let spans = unchanged(before, knownMs, sinceMs);
  const turn = (status: string, atMs: number, offset: number) => {
    if (atMs <= sinceMs) spans = [{ status, fromMs: sinceMs, offset }];
    // The clock of an agent may have been set back; time on the line still goes forward.
    else spans.push({ status, fromMs: Math.max(atMs, spans.at(-1)?.fromMs ?? sinceMs), offset });
  };
  for (const [at, offset] of offsets.entries()) turn(statuses[at]!, timesMs[at]!, offset);
  if (goneMs !== null && !isThere) turn('', goneMs, 0);
  if (spans[0]?.status === '') spans.shift();
  return spans;
}

function shares(spans: readonly Span[], untilMs: number): { upMs: number; knownMs: number } {
  let upMs = 0;
  let knownMs = 0;
  for (const [at, { status, fromMs }] of spans.entries()) {
    if (unknownStatuses.has(status)) continue;
    const lengthMs = (spans[at + 1]?.fromMs ?? untilMs) - fromMs;
    knownMs += lengthMs;
    if (upStatuses.has(status)) upMs += lengthMs;
  }
  return { upMs, knownMs };
}
