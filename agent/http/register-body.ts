/** What `/v1/catalog/register` and `deregister` are sent, as commands for the log. Reference: consul-http-api, section 7. */
import { z } from 'zod';
import { durationFromNanoseconds, formatDuration } from '../../proto/duration.ts';
import { ExpectedError } from '../../proto/errors.ts';
import type { CommandBody } from '../../proto/schema/command.ts';
import { jsonBody } from './body.ts';
import { decodedBody } from './body-schemas.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { CatalogReader } from './reads.ts';

type Register = Extract<CommandBody, { kind: 'catalog.register' }>;

const text = z.string().optional();
const texts = z.record(z.string(), z.string()).optional();
const anything = z.unknown().optional();
const number = z.int().optional();

const serviceInput = z.strictObject({
  id: text,
  service: text,
  tags: z.array(z.string()).optional(),
  address: text,
  tagged_addresses: z.record(z.string(), z.strictObject({ address: text, port: number })).optional(),
  meta: texts,
  port: number,
  weights: z.strictObject({ passing: number, warning: number }).optional(),
  enable_tag_override: z.boolean().optional(),
  kind: text,
  proxy: anything,
  connect: anything,
  namespace: anything,
});

const checkInput = z.strictObject({
  node: text,
  id: text,
  name: text,
  status: text,
  notes: text,
  output: text,
  service_id: text,
  service_name: text,
  service_tags: z.array(z.string()).optional(),
  type: text,
  definition: z.record(z.string(), z.unknown()).optional(),
  create_index: anything,
  modify_index: anything,
  namespace: anything,
});

const registerInput = z.strictObject({
  datacenter: text,
  id: text,
  node: text,
  address: text,
  tagged_addresses: texts,
  node_meta: texts,
  skip_node_update: z.boolean().optional(),
  service: serviceInput.optional(),
  check: checkInput.optional(),
  checks: z.array(checkInput).optional(),
});

const deregisterInput = z.strictObject({
  node: text,
  datacenter: text,
  address: text,
  service_id: text,
  check_id: text,
  namespace: anything,
});

export function registerBody(call: Call, { facts }: HttpContext, reader: CatalogReader): Register {
  const input = decodedBody(registerInput, jsonBody(call));
  const node = required(input.node, 'Must provide node');
  const skipUpdate = input.skip_node_update ?? false;
  if (!skipUpdate) required(input.address, 'Must provide address if SkipNodeUpdate is not set');
  reader.refuseDatacenter(input.datacenter ?? '');
  const checks = [...(input.check === undefined ? [] : [input.check]), ...(input.checks ?? [])];
  return {
    kind: 'catalog.register',
    v: 1,
    node: {
      name: node,
      id: input.id ?? '',
      address: input.address ?? '',
      datacenter: facts.datacenter,
      taggedAddresses: input.tagged_addresses ?? null,
      meta: input.node_meta ?? null,
      skipUpdate,
    },
    service: input.service === undefined ? null : serviceOf(input.service),
    checks: checks.map((check) => checkOf(check, node)),
  };
}

export function deregisterBody(call: Call, reader: CatalogReader): CommandBody {
  const input = decodedBody(deregisterInput, jsonBody(call));
  reader.refuseDatacenter(input.datacenter ?? '');
  return {
    kind: 'catalog.deregister',
    v: 1,
    node: required(input.node, 'Must provide node'),
    serviceId: input.service_id ?? '',
    checkId: input.check_id ?? '',
  };
}

/** Consul's servers answer 500 here, and clients know it. */
function required(value: string | undefined, complaint: string): string {
  if (value !== undefined && value !== '') return value;
  throw new ExpectedError('BAD_REQUEST', complaint, { status: 500 });
}

function serviceOf(input: z.output<typeof serviceInput>): NonNullable<Register['service']> {
  const name = required(input.service, 'Must provide service name with ID');
  return {
    id: input.id || name,
    name,
    tags: input.tags ?? [],
    address: input.address ?? '',
    port: input.port ?? 0,
    meta: input.meta ?? {},
    taggedAddresses: Object.fromEntries(
      Object.entries(input.tagged_addresses ?? {}).map(([tag, { address = '', port = 0 }]) => [
        tag,
        { address, port },
      ]),
    ),
    weights: { passing: input.weights?.passing ?? 1, warning: input.weights?.warning ?? 1 },
    enableTagOverride: input.enable_tag_override ?? false,
    kind: input.kind ?? '',
  };
}

function checkOf(input: z.output<typeof checkInput>, node: string): Register['checks'][number] {
  const definition = definitionOf(input.definition ?? {});
  const name = input.name ?? '';
  return {
    node,
    id: required(input.id || name, 'Must provide a check id or name'),
    name: name || input.id!,
    notes: input.notes ?? '',
    status: input.status || 'critical',
    output: input.output ?? '',
    serviceId: input.service_id ?? '',
    serviceName: input.service_name ?? '',
    serviceTags: input.service_tags ?? [],
    type: input.type || kindOf(definition),
    definition,
  };
}

/** Consul's spelling of what a definition may hold; durations are shown as strings, however they came. */
const definitionKeys = ['HTTP', 'Header', 'Method', 'Body', 'TLSSkipVerify', 'TLSServerName', 'TCP'];
const durationKeys = ['Interval', 'Timeout', 'DeregisterCriticalServiceAfter'];

/** Any spelling of a key in lower case → Consul's. */
const spelling = new Map([
  ...definitionKeys.map((key) => [key.toLowerCase(), key] as const),
  ...durationKeys.map((key) => [key.toLowerCase(), key] as const),
  ...durationKeys.map((key) => [`${key}Duration`.toLowerCase(), key] as const),
]);

/** Any other key is taken and kept as it is. */
function definitionOf(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(given).map(([key, value]): [string, unknown] => {
    const known = spelling.get(key.replaceAll('_', '').toLowerCase()) ?? key;
    return [known, durationKeys.includes(known) ? durationText(value) : value];
  });
  return Object.fromEntries(entries.filter(([, value]) => value !== null && value !== '' && value !== '0s'));
}

function durationText(value: unknown): unknown {
  return typeof value === 'number' ? formatDuration(durationFromNanoseconds(value)) : value;
}

function kindOf(definition: Readonly<Record<string, unknown>>): string {
  if (definition.HTTP !== undefined) return 'http';
  return definition.TCP === undefined ? '' : 'tcp';
}
