/** `/v1/agent/query-members/NAME`: asks all members, or some, at once (a Serf query), and answers what they said. */
import { parseDuration } from '../../proto/duration.ts';
import { ExpectedError } from '../../proto/errors.ts';
import { compileRegex } from '../../proto/regex/regex.ts';
import type { QueryRequest } from '../gossip/membership.ts';
import { internalPrefix } from '../gossip/serf/internal-queries.ts';
import { payloadText } from '../user-events.ts';
import { type Answer, json } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { Route } from './transport.ts';

const relayFactorMax = 5;
const timeoutMsMax = 120_000;

export function queryRoutes(context: HttpContext): Route[] {
  const handler = (call: Call) => query(call, context);
  return [{ path: '/v1/agent/query-members/', methods: { PUT: handler, POST: handler } }];
}

/** `node=` and `tag=KEY=EXPRESSION` (both repeatable), `ack`, `relay-factor=`, `timeout=`; the payload is the body. */
async function query(call: Call, context: HttpContext): Promise<Answer> {
  const name = call.required('Missing name');
  if (name.startsWith(internalPrefix)) {
    throw new ExpectedError('BAD_REQUEST', `queries that begin with "${internalPrefix}" are Serf's own`);
  }
  const { acks, answers } = await context.membership.query({
    name,
    payload: new Uint8Array(call.body),
    nodes: call.all('node'),
    tags: tagTests(call),
    ack: call.has('ack'),
    relayFactor: relayFactor(call),
    timeoutMs: timeoutMs(call),
  });
  return json({
    Acks: acks,
    Answers: answers.map(({ from, payload }) => ({ From: from, Payload: payloadText(payload) })),
  });
}

function tagTests(call: Call): QueryRequest['tags'] {
  const pairs = call.all('tag').map((text): [string, string] => {
    const at = text.indexOf('=');
    if (at < 1) {
      throw new ExpectedError('BAD_REQUEST', `Invalid tag: ${JSON.stringify(text)} is no KEY=EXPRESSION`);
    }
    const expression = text.slice(at + 1);
    compileRegex(expression);
    return [text.slice(0, at), expression];
  });
  return Object.fromEntries(pairs);
}

/** How many members pass each answer on, for askers that cannot be reached by all. */
export function relayFactor(call: Call): number {
  const text = call.get('relay-factor');
  if (text === '') return 0;
  if (/^\d+$/.test(text) && Number(text) <= relayFactorMax) return Number(text);
  const message = `Bad request: Invalid relay-factor: Relay factor must be in range: [0, ${relayFactorMax}]`;
  throw new ExpectedError('BAD_REQUEST', message);
}

/** 0: as long as Serf waits in a cluster of this size. */
function timeoutMs(call: Call): number {
  const text = call.get('timeout');
  if (text === '') return 0;
  const parsed = parseDuration(text);
  if (parsed.ok && parsed.ms > 0 && parsed.ms <= timeoutMsMax) return parsed.ms;
  throw new ExpectedError(
    'BAD_REQUEST',
    `Invalid timeout: a duration up to ${timeoutMsMax / 1_000}s is wanted`,
  );
}
