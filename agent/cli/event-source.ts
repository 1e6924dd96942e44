/**
 * Events from an agent. `readEvents` takes what is there and ends; `followEvents` never ends: a lost connection is
 * opened again behind the last record that came through, so nothing is missed and nothing comes twice.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../proto/errors.ts';
import type { HealthEvent, StreamRecord } from '../../proto/schema/event.ts';
import { type Api, parseJson, type Query, Refused, Unreachable } from './api.ts';
import { Exit, exitFailed } from './io.ts';
import { linesOf } from './lines.ts';

/** A quiet stream says something every 15 s; three times as long without a word is a lost connection. */
const idleTimeoutMs = 45_000;
const retryMsMin = 200;
const retryMsMax = 5_000;
const pageLimit = 1_000;
/** An answer now, whatever there is: no wait at all would mean the longest one, as in Consul. */
const shortestWait = '1ms';

export interface Position {
  /** The last number of the log. */
  readonly offset: number;
  /** Numbers count within one log; '' when the agent does not say which. */
  readonly log: string;
}

export async function readPosition(api: Api): Promise<Position> {
  const answer = await api.get('/v1/events', { wait: shortestWait, limit: '1' });
  return { offset: Number(answer.header('X-Rollcall-Offset')) || 0, log: answer.header('X-Rollcall-Log') };
}

/** What there is after `after`, up to `end` at least. A trimmed beginning comes as a gap. */
export async function* readEvents(
  api: Api,
  after: number,
  end: number,
  filter: Query,
): AsyncGenerator<StreamRecord> {
  let position = after;
  while (position < end) {
    const page = await readPage(api, position, filter);
    if (page === 'trimmed') {
      const first = await firstKept(api);
      yield { Gap: { From: position + 1, To: first - 1, Reason: 'trimmed' } };
      position = first - 1;
      continue;
    }
    yield* page.events;
    const reached = Math.max(page.events.at(-1)?.Offset ?? 0, page.offset);
    if (reached <= position) return;
    position = reached;
  }
}

async function readPage(
  api: Api,
  after: number,
  filter: Query,
): Promise<{ events: readonly HealthEvent[]; offset: number } | 'trimmed'> {
  const query = { ...filter, after: String(after), wait: shortestWait, limit: String(pageLimit) };
  try {
    const answer = await api.get('/v1/events', query);
    const events = parseJson<HealthEvent[]>(answer.body, api.base);
    return { events, offset: Number(answer.header('X-Rollcall-Offset')) || 0 };
  } catch (error) {
    if (error instanceof Refused && error.status === 410) return 'trimmed';
    throw error;
  }
}

/** `after=0` is never trimmed: it means the first event that is kept. */
async function firstKept(api: Api): Promise<number> {
  const [first] = await api.json<HealthEvent[]>('/v1/events', { after: '0', wait: shortestWait, limit: '1' });
  if (first === undefined) throw new Exit(exitFailed, 'the event log holds no event any more');
  return first.Offset;
}

export interface FollowOptions {
  readonly filter: Query;
  /** Called once when the connection is lost and once when it is back. */
  onChange(message: string): Promise<void>;
  /** Waits this long; a test has no time to lose. */
  readonly wait?: (ms: number) => Promise<unknown>;
}

export async function* followEvents(
  api: Api,
  from: Position,
  options: FollowOptions,
): AsyncGenerator<StreamRecord> {
  const { wait = sleep } = options;
  let position = from.offset;
  let connectedOnce = false;
  let lost = false;
  let retryMs = retryMsMin;
  for (;;) {
    let reason = 'the agent ended the stream';
    try {
      const query = {
        ...options.filter,
        after: String(position),
        log: from.log === '' ? undefined : from.log,
      };
      const answer = await api.open('/v1/events/stream', query, {
        accept: 'application/x-ndjson',
        idleTimeoutMs,
      });
      connectedOnce = true;
      if (lost) await options.onChange(`connected again, going on after event ${position}`);
      lost = false;
      for await (const line of linesOf(answer.body)) {
        retryMs = retryMsMin;
        const record = parseJson<StreamRecord>(line, api.base);
        position = positionAfter(record) ?? position;
        yield record;
        if ('Error' in record) reason = record.Error.Message;
      }
    } catch (error) {
      if (!connectedOnce || !isPassing(error)) throw error;
      reason = messageOf(error);
    }
    if (!lost) await options.onChange(`${reason}; trying again`);
    lost = true;
    // Half of the time is drawn, so that many listeners do not come back at once.
    await wait(retryMs / 2 + (Math.random() * retryMs) / 2);
    retryMs = Math.min(2 * retryMs, retryMsMax);
  }
}

function positionAfter(record: StreamRecord): number | undefined {
  if ('Offset' in record) return record.Offset;
  if ('Gap' in record) return record.Gap.To;
  return 'Position' in record ? record.Position : undefined;
}

/** A broken connection and an agent without servers pass; a request that is wrong stays wrong. */
function isPassing(error: unknown): boolean {
  if (error instanceof Refused) return error.status >= 500;
  if (error instanceof Unreachable) return true;
  // What breaks in the middle of a body is thrown by the stream itself.
  return !(error instanceof Exit) && (error as { code?: unknown }).code !== undefined;
}
