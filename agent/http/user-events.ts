/** `/v1/event/…`: user events in Consul's form (consul-http-api, 9.1), and `/v1/agent/user-event/` for plain ones of Serf. */
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import {
  type ConsulEvent,
  consulEventPrefix,
  consulPrefix,
  encodeConsulEvent,
} from '../../proto/gossip/consul-event.ts';
import { compileRegex } from '../../proto/regex/regex.ts';
import { makeUuid } from '../../proto/uuid.ts';
import { indexOf, ownEventPrefix, payloadText } from '../user-events.ts';
import { type Answer, json } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { CatalogReader } from './reads.ts';
import { blockingIndex } from './reads.ts';
import type { Route } from './transport.ts';

/** Of one event, name and all, before and after it is encoded; the gossip core checks the exact number. */
const tooLarge = 'user event exceeds configured limit of 512 bytes before encoding';

export function userEventRoutes(context: HttpContext, reader: CatalogReader): Route[] {
  return [
    { path: '/v1/event/fire/', methods: { PUT: (call) => fire(call, context, reader) } },
    { path: '/v1/event/list', methods: { GET: (call) => list(call, context, reader) } },
    { path: '/v1/agent/user-event/', methods: { PUT: (call) => firePlain(call, context) } },
  ];
}

async function fire(call: Call, context: HttpContext, reader: CatalogReader): Promise<Answer> {
  const name = call.required('Missing name');
  reader.checkDatacenter(call);
  const event: ConsulEvent = {
    id: makeUuid(context.random),
    name,
    payload: call.body,
    nodeFilter: expression(call, 'node'),
    serviceFilter: expression(call, 'service'),
    tagFilter: expression(call, 'tag'),
    version: 1,
  };
  if (event.tagFilter !== '' && event.serviceFilter === '') {
    throw badEvent('Cannot provide tag filter without service filter');
  }
  await send(context, `${consulEventPrefix}${name}`, encodeConsulEvent(event), false);
  return json({
    ID: event.id,
    Name: name,
    Payload: payloadText(event.payload),
    NodeFilter: event.nodeFilter,
    ServiceFilter: event.serviceFilter,
    TagFilter: event.tagFilter,
    Version: event.version,
    LTime: 0,
  });
}

/** Held while the last of the events is still the one that the client has. */
async function list(call: Call, context: HttpContext, reader: CatalogReader): Promise<Answer> {
  const { clock, userEvents } = context;
  reader.checkDatacenter(call);
  const known = blockingIndex(call);
  const endMs = clock.nowMs() + (known === 0n ? 0 : call.waitMs());
  for (;;) {
    const events = userEvents.list(call.get('name'));
    const index = indexOf(events);
    const leftMs = endMs - clock.nowMs();
    if (index !== known || leftMs <= 0 || call.signal.aborted) {
      return json(events, { 'X-Consul-Index': String(index) });
    }
    await userEvents.news(leftMs, call.signal);
  }
}

/** A plain Serf event; `?coalesce` lets its handlers take several of one name as one. */
async function firePlain(call: Call, context: HttpContext): Promise<Answer> {
  const name = call.required('Missing name');
  for (const prefix of [ownEventPrefix, consulPrefix]) {
    if (name.startsWith(prefix)) {
      throw new ExpectedError('BAD_REQUEST', `names that begin with "${prefix}" are not for user events`);
    }
  }
  await send(context, name, call.body, call.has('coalesce'));
  return json({ Name: name, Payload: payloadText(call.body), Coalesce: call.has('coalesce') });
}

async function send(
  context: HttpContext,
  name: string,
  payload: Uint8Array,
  coalesce: boolean,
): Promise<void> {
  try {
    // A plain copy: a view of the request's buffer would take all of it along to the gossip thread.
    await context.membership.fireEvent({ name, payload: new Uint8Array(payload), coalesce });
  } catch (error) {
    if (isExpected(error, 'BAD_REQUEST')) throw badEvent(tooLarge);
    throw error;
  }
}

function expression(call: Call, filter: 'node' | 'service' | 'tag'): string {
  const pattern = call.get(filter);
  try {
    compileRegex(pattern);
    return pattern;
  } catch (error) {
    if (!isExpected(error)) throw error;
    throw badEvent(`Invalid ${filter} filter: error parsing regexp: ${error.message}`);
  }
}

/** Consul answers these with 500. */
function badEvent(message: string): ExpectedError {
  return new ExpectedError('BAD_REQUEST', message, { status: 500 });
}
