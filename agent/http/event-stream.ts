/**
 * `/v1/events/stream`: events as they happen, as server-sent events or as lines of JSON. What is wrong with the request is
 * answered with a status; what goes wrong later comes as an error record, since the status is long gone by then.
 */
import { type FeedRequest, followEvents } from '../event-feed.ts';
import { type Answer, takeOver } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { EventHub } from './event-hub.ts';
import { EventListener, type ListenerStart } from './event-listener.ts';
import { eventRequest, refuseForeignLog } from './event-request.ts';
import { TextSink } from './event-sinks.ts';

/** How long the answer waits for the servers' word on an offset that this agent has not seen yet. */
export const verdictMs = 1_000;
/** Before a browser dials again. */
const reconnectMs = 1_000;

export async function streamEvents(call: Call, context: HttpContext, hub: EventHub): Promise<Answer> {
  const start = await beginListening(eventRequest(call), context, call.signal);
  const form = call.header('accept').includes('application/x-ndjson') ? 'lines' : 'server-sent';
  const headers = {
    'Content-Type': form === 'lines' ? 'application/x-ndjson' : 'text/event-stream',
    'Cache-Control': 'no-cache',
    'X-Rollcall-Offset': String(start.position),
    'X-Rollcall-Log': start.logId,
  };
  return takeOver(headers, async (response) => {
    // A listener wants to know that it is heard before there is anything to say.
    if (form === 'lines') response.flushHeaders();
    else response.write(`retry: ${reconnectMs}\n\n`);
    await new EventListener(context, hub, new TextSink(response, form), start, call.signal).run();
  });
}

/** Rejects with what is wrong with the request, or with NO_SERVERS; later troubles are waited out. */
export async function beginListening(
  request: FeedRequest,
  context: HttpContext,
  signal: AbortSignal,
): Promise<ListenerStart> {
  const { logId, firstOffset, lastOffset } = await context.rpc.call('status', {});
  refuseForeignLog(request, logId, firstOffset);
  const position = request.after ?? (await startOf(request, lastOffset, context));
  const start = { request, position, last: lastOffset, logId };
  // What a name has confirmed is no offset of the future.
  if (request.after !== null && position > lastOffset) await hearVerdict(start, context, signal);
  return start;
}

/** Now, or where the name has come to. */
export async function startOf({ cursor }: FeedRequest, last: number, { rpc }: HttpContext): Promise<number> {
  if (cursor === undefined) return last;
  const { cursors } = await rpc.call('cursor.list', {});
  return cursors.find(({ name, share }) => name === cursor.name && share === cursor.share)?.offset ?? last;
}

/** An offset above this server's last may be from the future: rejects when the servers say so within a moment. */
async function hearVerdict(
  { request, position, logId }: ListenerStart,
  { rpc, clock }: HttpContext,
  signal: AbortSignal,
): Promise<void> {
  const abort = new AbortController();
  const end = () => abort.abort();
  // Not `AbortSignal.any`: older versions of Node never forget the signals that it has joined.
  signal.addEventListener('abort', end, { once: true });
  const ports = { clock, signal: abort.signal };
  // Without the name: that would take it from its reader.
  const feed = followEvents(rpc, { ...request, cursor: undefined, after: position, logId }, ports);
  const first = feed.next();
  first.catch(() => {});
  try {
    await Promise.race([first, new Promise<void>((resolve) => void clock.after(verdictMs, resolve))]);
  } finally {
    signal.removeEventListener('abort', end);
    end();
    // A feed that has handed something out ends only when it is told so.
    void feed.return().catch(() => {});
  }
}
