/**
 * `/v1/catalog/register` and `deregister`: nodes without an agent, written by whoever knows them. With an
 * `Idempotency-Key` header a retry after a lost answer has one effect. Reference: consul-http-api, section 7.
 */
import { ExpectedError } from '../../proto/errors.ts';
import { lazy } from '../../proto/lazy.ts';
import type { CommandBody } from '../../proto/schema/command.ts';
import { json } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { CatalogReader } from './reads.ts';
import type { Route } from './transport.ts';

const idempotencyKeyLengthMax = 256;

/** The schemas take memory that few agents need. */
const bodies = lazy(() => import('./register-body.ts'));

export function registerRoutes(context: HttpContext, reader: CatalogReader): Route[] {
  const write = async (call: Call, body: CommandBody) => {
    const answer = await context.rpc.call('catalog.write', { body, once: once(call) });
    return json(true, { 'X-Rollcall-Offset': String(answer.offset) });
  };
  return [
    {
      path: '/v1/catalog/register',
      methods: { PUT: async (call) => write(call, (await bodies()).registerBody(call, context, reader)) },
    },
    {
      path: '/v1/catalog/deregister',
      methods: { PUT: async (call) => write(call, (await bodies()).deregisterBody(call, reader)) },
    },
  ];
}

function once(call: Call): { client: string; key: string } | null {
  const key = call.header('idempotency-key');
  if (key === '') return null;
  if (key.length <= idempotencyKeyLengthMax) return { client: 'http', key };
  throw new ExpectedError('BAD_REQUEST', `Idempotency-Key: at most ${idempotencyKeyLengthMax} characters`);
}
