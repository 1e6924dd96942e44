/** `/v1/catalog/…`: which nodes and services there are. Reference: consul-http-api, section 7. */
import type { NodeRow, ServiceRow } from '../../proto/schema/catalog.ts';
import { type Answer, json } from './answers.ts';
import type { Call } from './call.ts';
import { catalogServiceFields, nodeFields, selected, serviceFields } from './filters.ts';
import { type CatalogReader, hasMeta, metaTests } from './reads.ts';
import { shapeCatalogService, shapeInstance, shapeNode } from './shapes.ts';
import type { Route } from './transport.ts';

export function catalogRoutes(reader: CatalogReader, datacenter: string): Route[] {
  const get = (path: string, GET: (call: Call) => Promise<Answer>): Route => ({ path, methods: { GET } });
  return [
    get('/v1/catalog/datacenters', async () => json([datacenter])),
    get('/v1/catalog/nodes', (call) => nodes(call, reader)),
    get('/v1/catalog/services', (call) => services(call, reader)),
    get('/v1/catalog/service/', (call) => service(call, reader)),
    get('/v1/catalog/connect/', (call) => noProxies(call, reader)),
    get('/v1/catalog/node/', (call) => node(call, reader, 'map')),
    get('/v1/catalog/node-services/', (call) => node(call, reader, 'list')),
  ];
}

async function nodes(call: Call, reader: CatalogReader): Promise<Answer> {
  const { rows, headers } = await reader.read(call, { of: 'nodes' });
  const meta = metaTests(call);
  const wanted = rows.nodes.filter((row) => hasMeta(row.meta, meta)).map(shapeNode);
  return json(selected(call, wanted, nodeFields), headers);
}

/** Names with the tags of all their instances, each tag once. */
async function services(call: Call, reader: CatalogReader): Promise<Answer> {
  const { rows, headers } = await reader.read(call, { of: 'services' });
  const meta = metaTests(call);
  const nodes = meta.length === 0 ? null : (await reader.also(call, { of: 'nodes' })).rows.nodes;
  const allowed = nodes === null ? null : new Set(nodes.filter((row) => hasMeta(row.meta, meta)).map(nameOf));
  const tags = new Map<string, Set<string>>();
  for (const { node, name, tags: own } of rows.services) {
    if (allowed !== null && !allowed.has(node)) continue;
    const known = tags.get(name) ?? new Set();
    for (const tag of own) known.add(tag);
    tags.set(name, known);
  }
  return json(Object.fromEntries([...tags].map(([name, known]) => [name, [...known]])), headers);
}

async function service(call: Call, reader: CatalogReader): Promise<Answer> {
  const name = call.required('Missing service name');
  const { rows, headers } = await reader.read(call, { of: 'service', name });
  const instances = instancesOf(call, rows.services, rows.nodes);
  const shaped = instances.map(({ service, node }) => shapeCatalogService(service, node));
  return json(selected(call, shaped, catalogServiceFields), headers);
}

/** There is no mesh here, so nothing is ever a proxy of anything. */
export async function noProxies(call: Call, reader: CatalogReader): Promise<Answer> {
  call.required('Missing service name');
  const { headers } = await reader.read(call, { of: 'services' });
  return json([], headers);
}

async function node(call: Call, reader: CatalogReader, form: 'map' | 'list'): Promise<Answer> {
  const { rows, headers } = await reader.read(call, { of: 'node', node: call.required('Missing node name') });
  const [row] = rows.nodes;
  if (row === undefined) return json(form === 'map' ? null : { Node: null, Services: null }, headers);
  const shaped = selected(call, rows.services.map(shapeInstance), serviceFields);
  const services = form === 'list' ? shaped : Object.fromEntries(shaped.map((own) => [own.ID, own]));
  return json({ Node: shapeNode(row), Services: services }, headers);
}

export interface Instance {
  readonly service: ServiceRow;
  readonly node: NodeRow;
}

/** Instances with their nodes, as `tag` and `node-meta` select them; in the order of the catalog. */
export function instancesOf(
  call: Call,
  services: readonly ServiceRow[],
  nodes: readonly NodeRow[],
): Instance[] {
  const byName = new Map(nodes.map((row) => [row.name, row]));
  const wanted = call.all('tag').map((tag) => tag.toLowerCase());
  const meta = metaTests(call);
  return services.flatMap((service) => {
    const node = byName.get(service.node);
    const tags = service.tags.map((tag) => tag.toLowerCase());
    const fits = node !== undefined && hasMeta(node.meta, meta) && wanted.every((tag) => tags.includes(tag));
    return fits ? [{ service, node }] : [];
  });
}

function nameOf(row: NodeRow): string {
  return row.name;
}
