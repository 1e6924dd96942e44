/**
 * `GET /v1/events?after=N&wait=5m`: the events after N as a list, held until there is one. `X-Rollcall-Offset` says where
 * to go on from, with an empty list as well, so a filtered listener advances too.
 */
import { parseDuration } from '../../proto/duration.ts';
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import { compileEventFilter, everyEvent, type ServiceLookup } from '../../proto/event-filter.ts';
import type { EventFilter, ServerStatus } from '../../proto/rpc.ts';
import type { HealthEvent, StreamNotice } from '../../proto/schema/event.ts';
import { positionOf } from '../../proto/stream-position.ts';
import { type FeedRequest, followEvents } from '../event-feed.ts';
import { type Answer, json, text } from './answers.ts';
import { type Call, waitMsMax } from './call.ts';
import type { HttpContext } from './context.ts';
import { eventRequest, refuseForeignLog } from './event-request.ts';
import { startOf, verdictMs } from './event-stream.ts';
import type { HeldReads } from './held-reads.ts';

const path = '/v1/events';
export const pageEventsMax = 1_000;
/** What comes this soon after the first event of a wait belongs to the same page. */
const gatherMs = 10;
/** What is there already is read to its end even when the wait is over, but no longer than this. */
const catchUpMs = 10_000;

/** The first event of a share is given this long, however short the wait. */
const shareWaitMs = 250;

type Gap = Extract<StreamNotice, { Gap: unknown }>['Gap'];

interface PageRequest {
  /** Where to begin; null: where the name has come to when it is this reader's turn. */
  readonly begin: number | null;
  /** As far as is known where that is. */
  readonly after: number;
  readonly cursor: FeedRequest['cursor'];
  readonly logId: string;
  /** Everything up to here is there already and not waited for. */
  readonly target: number;
  readonly limit: number;
  readonly waitMs: number;
  readonly matches: (event: HealthEvent) => boolean;
}

export async function pollEvents(call: Call, context: HttpContext, held: HeldReads): Promise<Answer> {
  let request: FeedRequest;
  let limit: number;
  let waitMs: number;
  try {
    request = eventRequest(call);
    limit = pageLimit(call);
    waitMs = pageWaitMs(call);
  } catch (error) {
    if (!isExpected(error)) throw error;
    // Every answer says where the log stands, as far as there is somebody who knows it.
    const status = await context.rpc.call('status', {}).catch(() => null);
    if (status === null) throw error;
    return refusal(error, status, status.lastOffset);
  }
  const { cursor, after } = request;
  if (cursor !== undefined && after !== null) held.goOn(cursor, after);
  const status = await context.rpc.call('status', {});
  try {
    refuseForeignLog(request, status.logId, status.firstOffset);
    const page = await pageOf(request, { limit, waitMs, status }, call.signal, context);
    const { events, position } = page;
    const last = events.at(-1);
    if (cursor === undefined || last === undefined) page.end();
    else held.hold(cursor, last.Offset, page.end);
    return json(events, standing(status, position));
  } catch (error) {
    if (!isExpected(error) || error.status >= 500) throw error;
    return refusal(error, status, goOnAfter(error) ?? status.lastOffset);
  }
}

function standing({ logId }: ServerStatus, offset: number) {
  return { 'X-Rollcall-Offset': String(offset), 'X-Rollcall-Log': logId };
}

function refusal({ status: code, message }: ExpectedError, status: ServerStatus, offset: number): Answer {
  return text(code, message, standing(status, offset));
}

/** What is gone is named by the first offset that is kept. */
function goOnAfter({ data }: ExpectedError): number | undefined {
  const first = (data as { first?: unknown } | null)?.first;
  return typeof first === 'number' ? first - 1 : undefined;
}

interface PageBounds {
  readonly limit: number;
  readonly waitMs: number;
  readonly status: ServerStatus;
}

async function pageOf(
  request: FeedRequest,
  { limit, waitMs, status }: PageBounds,
  signal: AbortSignal,
  context: HttpContext,
) {
  const { logId, lastOffset } = status;
  const after = request.after ?? (await startOf(request, lastOffset, context));
  // A share passes over what is not its own in silence, so nobody can wait for it to reach the end of the log.
  const isShare = request.cursor !== undefined && request.cursor.share !== '';
  // Ahead of this server: whether it lies in the future is for the leader to say.
  const leastWaitMs = isShare ? shareWaitMs : after > lastOffset ? verdictMs : 0;
  return readPage(context, signal, {
    begin: request.cursor === undefined ? after : request.after,
    after,
    cursor: request.cursor,
    logId,
    target: isShare ? after : lastOffset,
    limit,
    waitMs: Math.max(leastWaitMs, waitMs),
    matches: compileEventFilter(request.filter, await serviceLookup(request.filter, context)),
  });
}

interface Page {
  readonly events: readonly HealthEvent[];
  /** Where to go on. */
  readonly position: number;
  /** Gives up the reading, and with it the name under which it was done. */
  end(): void;
}

/** Reads all events and chooses here, so that the position is exact however few of them match. */
async function readPage(context: HttpContext, signal: AbortSignal, request: PageRequest): Promise<Page> {
  const { clock } = context;
  const { begin, after, logId, target, cursor } = request;
  const events: HealthEvent[] = [];
  let position = after;
  const feedAbort = new AbortController();
  const ports = { clock, signal: feedAbort.signal };
  const feed = followEvents(context.rpc, { after: begin, logId, filter: everyEvent, cursor }, ports);
  const end = () => {
    feedAbort.abort();
    feed.return().catch((error: unknown) => isExpected(error) || context.onBug(error, path));
  };
  // The page ends and the feed does not: whoever reads with a name keeps it for a while.
  const over = new AbortController();
  const stop = () => over.abort();
  const stopped = new Promise<null>((resolve) => {
    over.signal.addEventListener('abort', () => resolve(null), { once: true });
  });
  const endMs = clock.nowMs() + request.waitMs;
  const timers = [
    clock.after(request.waitMs, () => position >= target && stop()),
    clock.after(request.waitMs + catchUpMs, stop),
  ];
  signal.addEventListener('abort', stop, { once: true });
  try {
    for (;;) {
      const next = await Promise.race([feed.next(), stopped]);
      if (next === null || next.done) break;
      const record = next.value;
      if ('Gap' in record) {
        // What lies before a gap is a page of its own; the next one begins at the gap.
        if (position > after) break;
        if (!isBeginning(after, record.Gap)) throw trimmed(record.Gap);
      }
      if ('Error' in record) throw new ExpectedError('CONNECTION_LOST', record.Error.Message);
      position = positionOf(record, position);
      if ('Offset' in record && request.matches(record)) events.push(record);
      if (events.length >= request.limit || over.signal.aborted) break;
      if (position < target) continue;
      if (clock.nowMs() >= endMs) break;
      if (events.length > 0 && timers.length === 2) timers.push(clock.after(gatherMs, stop));
    }
  } catch (error) {
    end();
    throw error;
  } finally {
    for (const timer of timers) timer.cancel();
    signal.removeEventListener('abort', stop);
  }
  return { events, position, end };
}

/** `after=0` means "from the first that is kept", so nothing is missing there. */
function isBeginning(after: number, { From }: Gap): boolean {
  return after === 0 && From === 1;
}

function trimmed({ From, To }: Gap): ExpectedError {
  const first = To + 1;
  const text = `the log no longer holds offset ${From}: the first one kept is ${first}`;
  return new ExpectedError('OFFSET_TRIMMED', text, { data: { first } });
}

function pageLimit(call: Call): number {
  const text = call.get('limit');
  if (text === '') return pageEventsMax;
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Math.min(pageEventsMax, Number(text));
  throw new ExpectedError('BAD_REQUEST', `Invalid limit: a number from 1 to ${pageEventsMax} is wanted`);
}

/** Without `wait` the answer is what there is. */
function pageWaitMs(call: Call): number {
  const text = call.get('wait');
  if (text === '') return 0;
  const parsed = parseDuration(text);
  if (!parsed.ok || parsed.ms < 0) throw new ExpectedError('BAD_REQUEST', 'Invalid wait time');
  return Math.min(waitMsMax, parsed.ms);
}

/** Names and tags of services, asked for only when the filter needs them. */
async function serviceLookup(filter: EventFilter, { rpc }: HttpContext): Promise<ServiceLookup> {
  if (filter.services.length === 0 && filter.tags.length === 0) return () => undefined;
  const query = { of: 'services' } as const;
  const { rows } = await rpc.call('catalog.query', { query, mode: 'stale', maxStaleMs: null });
  const known = new Map(
    rows.services.map((service) => [JSON.stringify([service.node, service.id]), service]),
  );
  return (node, id) => known.get(JSON.stringify([node, id]));
}
