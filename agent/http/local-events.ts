/**
 * `/v1/events/local`: what this agent heard by gossip, with no server. As a list, or as a stream of what comes from now on
 * (`/v1/events/local/stream`, or an `Accept` header that asks for one). The filters are those of the event log, but for
 * `tag`, which only the catalog knows.
 */
import { ExpectedError } from '../../proto/errors.ts';
import { compileEventFilter } from '../../proto/event-filter.ts';
import type { LocalEvent, LocalRecord } from '../../proto/schema/local-event.ts';
import { localEventsKept } from '../local-events.ts';
import { type Answer, json, takeOver } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import { quietMs } from './event-listener.ts';
import { eventRequest } from './event-request.ts';
import { TextSink } from './event-sinks.ts';
import type { Route } from './transport.ts';

export function localEventRoutes(context: HttpContext): Route[] {
  return [
    { path: '/v1/events/local', methods: { GET: (call) => listOrStream(call, context) } },
    { path: '/v1/events/local/stream', methods: { GET: (call) => streamLocal(call, context) } },
  ];
}

function listOrStream(call: Call, context: HttpContext): Answer {
  if (/text\/event-stream|application\/x-ndjson/.test(call.header('accept')))
    return streamLocal(call, context);
  const found = context.localEvents.list().filter(chosen(call));
  return json(found.slice(-limit(call)));
}

function streamLocal(call: Call, context: HttpContext): Answer {
  const isChosen = chosen(call);
  const form = call.header('accept').includes('application/x-ndjson') ? 'lines' : 'server-sent';
  const type = form === 'lines' ? 'application/x-ndjson' : 'text/event-stream';
  const { signal } = call;
  const following = context.localEvents.follow(signal);
  return takeOver({ 'Content-Type': type, 'Cache-Control': 'no-cache' }, async (response) => {
    response.flushHeaders();
    const sink = new TextSink(response, form);
    let quiet = context.clock.after(quietMs, () => say({ Position: 0 }));
    const say = (record: LocalRecord): boolean => {
      quiet.cancel();
      quiet = context.clock.after(quietMs, () => say({ Position: 0 }));
      return sink.write(record);
    };
    for await (const heard of following) {
      if ('missed' in heard) say(gap(heard.missed));
      else if (isChosen(heard) && !say(heard)) await sink.room();
    }
    quiet.cancel();
    sink.end();
  });
}

/** Local events have no numbers, so the gap names none. */
function gap(missed: number): LocalRecord {
  return { Gap: { From: 0, To: 0, Reason: `${missed} local events came faster than they were read` } };
}

function chosen(call: Call): (event: LocalEvent) => boolean {
  const { filter } = eventRequest(call);
  if (filter.tags.length > 0) {
    throw new ExpectedError('BAD_REQUEST', 'Invalid tag: local events know no tags of services');
  }
  const matches = compileEventFilter(filter, () => undefined);
  return (event) => matches({ ...event, Offset: 0 });
}

/** The newest so many. */
function limit(call: Call): number {
  const text = call.get('limit');
  if (text === '') return localEventsKept;
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new ExpectedError('BAD_REQUEST', 'Invalid limit: a number from 1 on is wanted');
}
