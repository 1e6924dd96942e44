/**
 * The event log as one unbroken feed, whatever happens to servers: when the one that is read from is lost, the next one
 * goes on behind the last offset that was handed out, and the reader notices nothing.
 */
import { type ErrorCode, ExpectedError, isExpected } from '../proto/errors.ts';
import type { Clock } from '../proto/ports.ts';
import type { CursorName, EventFilter, Rpc } from '../proto/rpc.ts';
import type { StreamRecord } from '../proto/schema/event.ts';
import { positionOf } from '../proto/stream-position.ts';

/** Wait before the feed asks again, doubled up to the longest. */
const retryMsMin = 50;
const retryMsMax = 2_000;

/** A server was lost: the next one goes on. */
const lost: readonly ErrorCode[] = ['CONNECTION_LOST', 'STOPPING', 'NOT_LEADER'];
/** There is none to go on at the moment: that is waited for, but only by a reader who has begun or is patient. */
const missing: readonly ErrorCode[] = ['NO_SERVERS', 'NO_LEADER', 'TIMEOUT', 'BUSY'];

export interface FeedRequest {
  /** null: from now. */
  readonly after: number | null;
  /** '' when the reader does not know which log its offset belongs to. */
  readonly logId: string;
  readonly filter: EventFilter;
  /** Reads under a name whose position the servers keep; `after` null then means behind what it has confirmed. */
  readonly cursor?: CursorName | undefined;
}

export interface FeedPorts {
  readonly clock: Clock;
  /** Ends the feed. */
  readonly signal: AbortSignal;
  /** Waits for servers from the beginning, for a reader that is known to be right otherwise. Default: false. */
  readonly patient?: boolean;
}

/**
 * Endless until `signal` aborts. Throws what is the reader's own mistake (BAD_REQUEST, OFFSET_FUTURE …), and before its
 * first record also what keeps it from beginning (NO_SERVERS …).
 */
export async function* followEvents(
  rpc: Rpc,
  request: FeedRequest,
  ports: FeedPorts,
): AsyncGenerator<StreamRecord, void, undefined> {
  const { clock, signal, patient = false } = ports;
  const { filter, cursor } = request;
  const named = cursor === undefined ? {} : { cursor };
  // "From now" must become a number at once: a server that dies before the first event shall cost nothing.
  const isNow = request.after === null && cursor === undefined;
  let { after, logId } = isNow ? await present(rpc, request.logId) : request;
  let begun = isNow || patient;
  let retryMs = retryMsMin;
  while (!signal.aborted) {
    try {
      for await (const record of rpc.stream('events.read', { after, logId, filter, ...named }, { signal })) {
        begun = true;
        retryMs = retryMsMin;
        if ('Offset' in record && after !== null && record.Offset <= after) continue;
        after = positionOf(record, after);
        yield record;
        if ('Error' in record) return;
      }
    } catch (error) {
      const goesOn =
        isExpected(error) && (lost.includes(error.code) || (begun && missing.includes(error.code)));
      if (!goesOn) throw error;
    }
    if (signal.aborted) return;
    await pause(clock, retryMs, signal);
    retryMs = Math.min(retryMsMax, retryMs * 2);
  }
}

async function present(rpc: Rpc, logId: string): Promise<{ after: number; logId: string }> {
  const status = await rpc.call('status', {});
  if (logId !== '' && status.logId !== logId) {
    throw new ExpectedError('OFFSET_TRIMMED', `this is log ${status.logId}, not ${logId}`);
  }
  return { after: status.lastOffset, logId: status.logId };
}

function pause(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(delayMs, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
