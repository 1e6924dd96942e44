/**
 * `/v1/events/stream`: events as they happen, as server-sent events or as lines of JSON. What is wrong with the request is
 * answered with a status; what goes wrong later comes as an error record, since the status is long gone by then.
 */
import { Readable } from 'node:stream';
import { ExpectedError, isExpected, messageOf } from '../../proto/errors.ts';
import type { StreamRecord } from '../../proto/schema/event.ts';
import { type FeedRequest, followEvents, positionOf } from '../event-feed.ts';
import { type Answer, stream } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import { eventRequest, refuseForeignLog } from './event-request.ts';
import { asLines, asServerSent } from './event-text.ts';
import { gather } from './gather.ts';

/** How long the answer waits for the servers' word on an offset that this agent has not seen yet. */
const verdictMs = 1_000;
/** Before a browser dials again. */
const reconnectMs = 1_000;

export async function streamEvents(call: Call, context: HttpContext): Promise<Answer> {
  const opened = await openFeed(eventRequest(call), context, call.signal);
  const lines = call.header('accept').includes('application/x-ndjson');
  const encode = lines ? asLines : asServerSent;
  const text = (async function* () {
    if (!lines) yield `retry: ${reconnectMs}\n\n`;
    for await (const batch of opened.batches) yield encode(batch);
  })();
  const headers = { 'X-Rollcall-Offset': String(opened.start), 'X-Rollcall-Log': opened.logId };
  const type = lines ? 'application/x-ndjson' : 'text/event-stream';
  return stream(Readable.from(text, { highWaterMark: 1 }), type, headers);
}

export interface OpenFeed {
  /** The listener stands here before the first record. */
  readonly start: number;
  readonly logId: string;
  /** Never throws what is expected: that is its last record. */
  readonly batches: AsyncGenerator<readonly StreamRecord[], void, undefined>;
}

/** Rejects with what is wrong with the request, or with NO_SERVERS; later troubles are waited out. */
export async function openFeed(
  request: FeedRequest,
  context: HttpContext,
  signal: AbortSignal,
): Promise<OpenFeed> {
  const status = await context.rpc.call('status', {});
  refuseForeignLog(request, status.logId, status.firstOffset);
  const start = request.after ?? (await startOf(request, status.lastOffset, context));
  const isNow = request.after === null && request.cursor === undefined;
  const after = isNow ? start : request.after;
  const feed = followEvents(
    context.rpc,
    { ...request, after, logId: status.logId },
    { clock: context.clock, signal },
  );
  const records = start > status.lastOffset ? await afterVerdict(feed, context) : feed;
  let position = start;
  const watched = (async function* () {
    // Who comes without an offset learns where "now" was, and can go on from there.
    if (isNow) yield { Position: start };
    for await (const record of spoken(records)) {
      const isBeginning = request.after === 0 && 'Gap' in record && record.Gap.From === 1;
      position = positionOf(record, position);
      // `after=0` means "from the first that is kept", so what lies before that is no gap.
      if (!isBeginning) yield record;
    }
    if (signal.aborted) yield errorRecord(new ExpectedError('STOPPING'));
  })();
  const batches = gather(watched, { clock: context.clock, signOfLife: () => ({ Position: position }) });
  return { start, logId: status.logId, batches };
}

/** Now, or where the name has come to. */
export async function startOf({ cursor }: FeedRequest, last: number, { rpc }: HttpContext): Promise<number> {
  if (cursor === undefined) return last;
  const { cursors } = await rpc.call('cursor.list', {});
  return cursors.find(({ name, share }) => name === cursor.name && share === cursor.share)?.offset ?? last;
}

/** An offset above this server's last may be from the future: waits until the servers have said so, or for a moment. */
async function afterVerdict(
  feed: AsyncGenerator<StreamRecord>,
  { clock }: HttpContext,
): Promise<AsyncIterable<StreamRecord>> {
  const first = feed.next();
  first.catch(() => {});
  await Promise.race([first, new Promise<void>((resolve) => void clock.after(verdictMs, resolve))]);
  return (async function* () {
    const result = await first;
    if (result.done) return;
    yield result.value;
    yield* feed;
  })();
}

async function* spoken(records: AsyncIterable<StreamRecord>): AsyncGenerator<StreamRecord> {
  try {
    yield* records;
  } catch (error) {
    if (!isExpected(error)) throw error;
    yield errorRecord(error);
  }
}

function errorRecord(error: ExpectedError): StreamRecord {
  return { Error: { Code: error.code, Message: messageOf(error) } };
}
