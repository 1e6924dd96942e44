/** `/v1/agent/…` about the agent itself and its place among the others. Reference: consul-http-api, 6.1 to 6.5. */
import { ExpectedError } from '../../proto/errors.ts';
import { type Answer, empty, json } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import { agentInfo, agentSelf } from './info.ts';
import { multiError } from './multi-error.ts';
import { shapeMember } from './shapes.ts';
import type { Route } from './transport.ts';

export function agentRoutes(context: HttpContext): Route[] {
  return [
    { path: '/v1/agent/self', methods: { GET: () => json(agentSelf(context)) } },
    { path: '/v1/agent/info', methods: { GET: async () => json(await agentInfo(context)) } },
    { path: '/v1/agent/members', methods: { GET: (call) => members(call, context) } },
    { path: '/v1/agent/join/', methods: { PUT: (call) => join(call, context) } },
    { path: '/v1/agent/leave', methods: { PUT: () => leave(context) } },
    { path: '/v1/agent/force-leave/', methods: { PUT: (call) => forceLeave(call, context) } },
    { path: '/v1/agent/reload', methods: { PUT: async () => json(await context.reload()) } },
    { path: '/v1/agent/maintenance', methods: { PUT: (call) => maintenance(call, context) } },
  ];
}

function members(call: Call, context: HttpContext): Answer {
  const segment = call.get('segment');
  if (segment !== '' && segment !== '_all') {
    const message = 'Network segments are not supported in this version of Consul';
    throw new ExpectedError('BAD_REQUEST', message, { status: 500 });
  }
  // There is no pool between datacenters; Consul's plain agents answer so as well.
  if (call.has('wan')) return json(null);
  return json(context.membership.members().map(shapeMember));
}

async function join(call: Call, context: HttpContext): Promise<Answer> {
  if (call.has('wan')) {
    throw new ExpectedError('BAD_REQUEST', 'Must be a server to join WAN cluster', { status: 500 });
  }
  const address = call.param;
  if (address === '') throw multiError('BAD_REQUEST', ['an address is missing']);
  const { joined, failures } = await context.membership.join([address]);
  if (joined > 0) return empty();
  const reasons = failures.map((failure) => `Failed to join ${failure.address}: ${failure.message}`);
  throw multiError('CONNECTION_LOST', reasons);
}

async function leave(context: HttpContext): Promise<Answer> {
  await context.leave();
  return empty({}, () => context.stop());
}

async function forceLeave(call: Call, context: HttpContext): Promise<Answer> {
  const name = call.param;
  if (await context.membership.forceLeave(name, { prune: call.has('prune') })) return empty();
  throw new ExpectedError('NOT_FOUND', `agent: No node found with name '${name}'`, { status: 500 });
}

async function maintenance(call: Call, context: HttpContext): Promise<Answer> {
  context.local.setMaintenance(null, enableOf(call), call.get('reason'));
  await context.saved();
  return empty();
}

/** `enable=`, which maintenance of a node and of a service both need. */
export function enableOf(call: Call): boolean {
  const enable = call.boolean('enable', (value) => `Invalid value for enable: ${JSON.stringify(value)}`);
  if (enable === undefined) throw new ExpectedError('BAD_REQUEST', 'Missing value for enable');
  return enable;
}
