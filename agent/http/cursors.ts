/** `/v1/events/cursors`: readers with a name. What a reader has confirmed is kept by the servers, so any of its lives goes on there. */
import { ExpectedError } from '../../proto/errors.ts';
import type { CursorStatus } from '../../proto/rpc.ts';
import { type Answer, empty, json } from './answers.ts';
import { bodySchemas, jsonBody } from './body.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import { readCursorName } from './event-request.ts';
import type { HeldReads } from './held-reads.ts';
import type { Route } from './transport.ts';

export function cursorRoutes(context: HttpContext, held: HeldReads): Route[] {
  return [
    { path: '/v1/events/cursors', methods: { GET: () => list(context) } },
    {
      path: '/v1/events/cursors/',
      methods: {
        GET: (call) => show(call, context),
        PUT: (call) => acknowledge(call, context, held),
        DELETE: (call) => forget(call, context),
      },
    },
  ];
}

async function list({ rpc }: HttpContext): Promise<Answer> {
  const { cursors } = await rpc.call('cursor.list', {});
  return json(cursors.map(shape));
}

/** All shares of one name. */
async function show(call: Call, { rpc }: HttpContext): Promise<Answer> {
  const { name } = readCursorName(call.param, '');
  const { cursors } = await rpc.call('cursor.list', {});
  const shares = cursors.filter((cursor) => cursor.name === name);
  if (shares.length > 0) return json(shares.map(shape));
  throw new ExpectedError('NOT_FOUND', `No cursor ${JSON.stringify(name)}`);
}

/** Everything up to the offset is done with, and will not be read under this name again. */
async function acknowledge(call: Call, { rpc }: HttpContext, held: HeldReads): Promise<Answer> {
  const { name, share } = readCursorName(call.param, call.get('share'));
  const body = jsonBody(call);
  const { acknowledgementIn } = await bodySchemas();
  const { offset } = await rpc.call('cursor.acknowledge', { name, share, ...acknowledgementIn(body) });
  held.goOn({ name, share }, offset);
  return json({ Name: name, Share: share, Offset: offset });
}

async function forget(call: Call, { rpc }: HttpContext): Promise<Answer> {
  const { name } = readCursorName(call.param, '');
  await rpc.call('cursor.remove', { name });
  return empty();
}

function shape({ name, share, offset, lag, taken }: CursorStatus) {
  return { Name: name, Share: share, Offset: offset, Lag: lag, Taken: taken };
}
