/** `/v1/agent/service…`: the services of this host. Reference: consul-http-api, 6.9 and 3.3. */
import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { ExpectedError } from '../../proto/errors.ts';
import type { OwnService } from '../../proto/schema/catalog.ts';
import type { ServiceDefinition } from '../../proto/schema/definitions.ts';
import { enableOf } from './agent.ts';
import { kept, refuseScripts } from './agent-checks.ts';
import { type Answer, empty, json } from './answers.ts';
import { bodySchemas, jsonBody } from './body.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import { selected, serviceFields } from './filters.ts';
import { shapeLocalService } from './shapes.ts';
import type { Route } from './transport.ts';

/** How often a request that is held for a change of one service looks at it. */
const lookAgainMs = 250;

export function agentServiceRoutes(context: HttpContext): Route[] {
  const put = (
    path: string,
    change: (call: Call, context: HttpContext) => Answer | Promise<Answer>,
  ): Route => ({
    path,
    methods: { PUT: async (call) => kept(change(call, context), context) },
  });
  return [
    { path: '/v1/agent/services', methods: { GET: (call) => list(call, context) } },
    put('/v1/agent/service/register', register),
    put('/v1/agent/service/deregister/', deregister),
    put('/v1/agent/service/maintenance/', maintenance),
    { path: '/v1/agent/service/', methods: { GET: (call) => show(call, context) } },
  ];
}

function list(call: Call, context: HttpContext): Answer {
  const { datacenter } = context.facts;
  const shaped = context.local.services().map((service) => shapeLocalService(service, datacenter));
  return json(
    Object.fromEntries(selected(call, shaped, serviceFields).map((service) => [service.ID, service])),
  );
}

async function register(call: Call, context: HttpContext): Promise<Answer> {
  const body = jsonBody(call);
  const { serviceIn } = await bodySchemas();
  const definition = serviceIn(body);
  refuseScripts(definition.checks, context);
  context.local.registerService(withAddressTags(definition), {
    replaceChecks: call.has('replace-existing-checks'),
  });
  return empty();
}

/** An IPv4 address of its own is also the service's address by family, for clients that ask for one. */
function withAddressTags(definition: ServiceDefinition): ServiceDefinition {
  const { address, port, taggedAddresses } = definition;
  if (!isIPv4(address)) return definition;
  const own = { address, port };
  return { ...definition, taggedAddresses: { lan_ipv4: own, wan_ipv4: own, ...taggedAddresses } };
}

function deregister(call: Call, context: HttpContext): Answer {
  // Unknown is fine: clean-up code calls this twice.
  context.local.deregisterService(call.required('ServiceID missing', 500));
  return empty();
}

function maintenance(call: Call, context: HttpContext): Answer {
  const id = call.required('Missing service ID');
  const enable = enableOf(call);
  if (!context.local.services().some((service) => service.id === id)) {
    throw new ExpectedError('NOT_FOUND', `No service registered with ID ${JSON.stringify(id)}`);
  }
  context.local.setMaintenance(id, enable, call.get('reason'));
  return empty();
}

/** With `?hash=` the request is held until the service is another one than that. */
async function show(call: Call, context: HttpContext): Promise<Answer> {
  const id = call.required('Missing service ID');
  const { clock, facts } = context;
  const known = call.get('hash');
  const endMs = clock.nowMs() + (known === '' ? 0 : call.waitMs());
  for (;;) {
    const service = context.local.services().find((own) => own.id === id);
    if (service === undefined) throw new ExpectedError('NOT_FOUND', `unknown service ID: ${id}`);
    const hash = contentHash(service);
    const leftMs = endMs - clock.nowMs();
    if (hash !== known || leftMs <= 0 || call.signal.aborted) {
      const shaped = { ...shapeLocalService(service, facts.datacenter), ContentHash: hash };
      return json(shaped, { 'X-Consul-ContentHash': hash });
    }
    await new Promise<void>((resolve) => clock.after(Math.min(leftMs, lookAgainMs), resolve));
  }
}

/** Opaque to clients; 16 digits, as Consul's. */
function contentHash(service: OwnService): string {
  return createHash('sha256').update(JSON.stringify(service)).digest('hex').slice(0, 16);
}
