/**
 * Events from an agent. `readEvents` takes what is there and ends; `followEvents` never ends: a lost connection is
 * opened again behind the last record that came through, so nothing is missed and nothing comes twice.
 */
import type { HealthEvent, StreamRecord } from '../../proto/schema/event.ts';
import { type Api, parseJson, type Query, Refused } from './api.ts';
import { type FollowStreamOptions, followStream } from './follow-stream.ts';
import { Exit, exitFailed } from './io.ts';

const pageLimit = 1_000;

export interface Position {
  /** The last number of the log. */
  readonly offset: number;
  /** Numbers count within one log; '' when the agent does not say which. */
  readonly log: string;
}

export async function readPosition(api: Api): Promise<Position> {
  const answer = await api.get('/v1/events', { limit: '1' });
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
    if ('Gap' in page) {
      yield page;
      position = page.Gap.To;
      continue;
    }
    yield* page.events;
    const reached = Math.max(page.events.at(-1)?.Offset ?? 0, page.offset);
    if (reached <= position) return;
    position = reached;
  }
}

export interface Page {
  readonly events: readonly HealthEvent[];
  /** Where to go on; ahead of the last event when a filter passed over some. */
  readonly offset: number;
}

/** What there is now; `after` undefined leaves it to the agent where to begin. A trimmed beginning is a gap. */
export async function readPage(
  api: Api,
  after: number | undefined,
  filter: Query,
): Promise<Page | Extract<StreamRecord, { Gap: unknown }>> {
  const query = { ...filter, after: after === undefined ? after : String(after), limit: String(pageLimit) };
  try {
    const answer = await api.get('/v1/events', query);
    const events = parseJson<HealthEvent[]>(answer.body, api.base);
    return { events, offset: Number(answer.header('X-Rollcall-Offset')) || 0 };
  } catch (error) {
    if (after === undefined || !(error instanceof Refused) || error.status !== 410) throw error;
    return { Gap: { From: after + 1, To: (await firstKept(api)) - 1, Reason: 'trimmed' } };
  }
}

/** `after=0` is never trimmed: it means the first event that is kept. */
async function firstKept(api: Api): Promise<number> {
  const [first] = await api.json<HealthEvent[]>('/v1/events', { after: '0', limit: '1' });
  if (first === undefined) throw new Exit(exitFailed, 'the event log holds no event any more');
  return first.Offset;
}

export interface FollowOptions extends FollowStreamOptions {
  readonly filter: Query;
}

/** `from` null leaves it to the agent where to begin, with a name that the servers remember. */
export async function* followEvents(
  api: Api,
  from: Position | null,
  options: FollowOptions,
): AsyncGenerator<StreamRecord> {
  let position = from?.offset;
  const log = from === null || from.log === '' ? undefined : from.log;
  const request = () => ({
    path: '/v1/events/stream',
    query: { ...options.filter, after: position === undefined ? position : String(position), log },
    resumed: position === undefined ? 'connected again' : `connected again, going on after event ${position}`,
  });
  for await (const record of followStream<StreamRecord>(api, request, options)) {
    position = positionAfter(record) ?? position;
    yield record;
  }
}

/** Where to go on after this record; undefined when it does not say. */
export function positionAfter(record: StreamRecord): number | undefined {
  if ('Offset' in record) return record.Offset;
  if ('Gap' in record) return record.Gap.To;
  return 'Position' in record ? record.Position : undefined;
}
