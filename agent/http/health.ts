/** `/v1/health/…`: how nodes and services are. Reference: consul-http-api, section 8. */
import type { CatalogQuery } from '../../proto/rpc.ts';
import type { CheckRow } from '../../proto/schema/catalog.ts';
import { type Answer, json } from './answers.ts';
import type { Call } from './call.ts';
import { instancesOf, noProxies } from './catalog.ts';
import { checkFields, healthServiceFields, selected } from './filters.ts';
import { type LiveSource, shaperOf } from './live-output.ts';
import { type CatalogReader, hasMeta, metaTests } from './reads.ts';
import { consulStatus, shapeInstance, shapeNode } from './shapes.ts';
import type { Route } from './transport.ts';

export function healthRoutes(reader: CatalogReader, source: LiveSource): Route[] {
  const get = (path: string, GET: (call: Call) => Promise<Answer>): Route => ({ path, methods: { GET } });
  return [
    get('/v1/health/node/', (call) => {
      const node = call.required('Missing node name');
      return checks(call, reader, source, { of: 'nodeChecks', node });
    }),
    get('/v1/health/checks/', (call) => {
      const name = call.required('Missing service name');
      return checks(call, reader, source, { of: 'serviceChecks', name });
    }),
    get('/v1/health/state/', (call) => state(call, reader, source)),
    get('/v1/health/service/', (call) => service(call, reader, source)),
    get('/v1/health/connect/', (call) => noProxies(call, reader)),
    get('/v1/health/ingress/', (call) => noProxies(call, reader)),
  ];
}

/** A status that others show as means what Consul's clients see as such: all are asked for, and those that show so taken. */
function state(call: Call, reader: CatalogReader, source: LiveSource): Promise<Answer> {
  const wanted = call.required('Missing check state');
  const pending = source.pendingStatus();
  if (wanted !== 'critical' && wanted !== pending)
    return checks(call, reader, source, { of: 'checksInState', state: wanted });
  return checks(
    call,
    reader,
    source,
    { of: 'checks' },
    (row) => consulStatus(row.status, pending) === wanted,
  );
}

async function checks(
  call: Call,
  reader: CatalogReader,
  source: LiveSource,
  query: CatalogQuery,
  holds: (row: CheckRow) => boolean = () => true,
): Promise<Answer> {
  const { rows, headers } = await reader.read(call, query);
  const meta = metaTests(call);
  const nodes = meta.length === 0 ? null : (await reader.also(call, { of: 'nodes' })).rows.nodes;
  const allowed = nodes && new Set(nodes.filter((row) => hasMeta(row.meta, meta)).map((row) => row.name));
  const wanted = rows.checks.filter((row) => holds(row) && (allowed === null || allowed.has(row.node)));
  const shape = await shaperOf(call, wanted, source);
  return json(selected(call, wanted.map(shape), checkFields), headers);
}

/** Each instance with its own checks and those of its node. */
async function service(call: Call, reader: CatalogReader, source: LiveSource): Promise<Answer> {
  const name = call.required('Missing service name');
  const onlyPassing = passingOnly(call);
  const { rows, headers } = await reader.read(call, { of: 'service', name });
  const shape = await shaperOf(call, rows.checks, source);
  const checksOf = new Map<string, CheckRow[]>();
  for (const row of rows.checks) checksOf.set(row.node, [...(checksOf.get(row.node) ?? []), row]);
  const shaped = instancesOf(call, rows.services, rows.nodes).map(({ service, node }) => ({
    Node: shapeNode(node),
    Service: shapeInstance(service),
    Checks: (checksOf.get(node.name) ?? [])
      .filter(({ serviceId }) => serviceId === '' || serviceId === service.id)
      .map(shape),
  }));
  const wanted = onlyPassing
    ? shaped.filter(({ Checks }) => Checks.every(({ Status }) => Status === 'passing'))
    : shaped;
  return json(selected(call, wanted, healthServiceFields), headers);
}

function passingOnly(call: Call): boolean {
  if (!call.has('passing')) return false;
  return call.boolean('passing', () => 'Invalid value for ?passing') ?? true;
}
