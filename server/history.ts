/** Since when, how often: the past of one check or node, read from the event log. */
import { isExpected } from '../proto/errors.ts';
import type { HistoryQuery, HistorySpan } from '../proto/rpc.ts';
import type { HealthEvent } from '../proto/schema/event.ts';
import type { PageLimits } from './recent-events.ts';
import type { EventSource } from './subscription.ts';

export interface History {
  /** Oldest first, without holes. */
  readonly spans: readonly HistorySpan[];
  /** The log does not go back to the beginning of the question, or there were too many changes. */
  readonly truncated: boolean;
}

const page: PageLimits = { limit: 1_000, bytesMax: 1024 * 1024 };
/** Spans of one answer; the oldest are left out. */
const spansMax = 10_000;

/** Reads the whole log, page by page, with other work in between. */
export async function readHistory(
  source: Pick<EventSource, 'first' | 'last' | 'read'>,
  query: HistoryQuery,
): Promise<History> {
  const changes: HealthEvent[] = [];
  let before: HealthEvent | null = null;
  let oldestMs = Number.POSITIVE_INFINITY;
  const { first } = source;
  for (let at = first - 1; at < source.last; ) {
    const events = await readPage(source, at);
    for (const { event } of events) {
      oldestMs = Math.min(oldestMs, timeOf(event));
      if (!isAbout(event, query)) continue;
      if (timeOf(event) < query.sinceMs) before = event;
      else changes.push(event);
    }
    const next = events.at(-1)?.offset ?? source.first - 1;
    if (next <= at) break;
    at = next;
  }
  const spans = spansOf(before, changes, query.sinceMs);
  const isCut = first > 1 && oldestMs > query.sinceMs && before === null;
  return { spans: spans.slice(-spansMax), truncated: isCut || spans.length > spansMax };
}

async function readPage(source: Pick<EventSource, 'read'>, after: number) {
  try {
    return await source.read(after, page);
  } catch (error) {
    // Retention overtook the reading: it goes on where the log begins now.
    if (isExpected(error, 'OFFSET_TRIMMED')) return [];
    throw error;
  }
}

/** When it was observed, if an agent says so: news that came late belong to where they happened. */
function timeOf(event: HealthEvent): number {
  return Date.parse(event.ObservedAt === '' ? event.Time : event.ObservedAt);
}

/** Events that set the status of the check, or the state of the node when no check is named. */
function isAbout(event: HealthEvent, { node, check }: HistoryQuery): boolean {
  if (event.Node !== node) return false;
  if (check === '') return event.Check === '' && event.From !== event.To && event.Kind.startsWith('node.');
  return event.Check === check && event.Kind.startsWith('check.');
}

function spansOf(
  before: HealthEvent | null,
  changes: readonly HealthEvent[],
  sinceMs: number,
): HistorySpan[] {
  const spans: HistorySpan[] = [];
  if (before !== null) {
    spans.push({ status: before.To, fromMs: sinceMs, toMs: null, offset: 0, output: before.Output });
  } else if (changes[0] !== undefined && changes[0].From !== '') {
    spans.push({ status: changes[0].From, fromMs: sinceMs, toMs: null, offset: 0, output: '' });
  }
  for (const change of changes) {
    const open = spans.at(-1);
    // The clock of an agent may have been set back; time on the line still goes forward.
    const fromMs = Math.max(timeOf(change), open?.fromMs ?? sinceMs);
    if (open !== undefined) spans[spans.length - 1] = { ...open, toMs: fromMs };
    spans.push({ status: change.To, fromMs, toMs: null, offset: change.Offset, output: change.Output });
  }
  return spans;
}
