/** Service definitions as Consul has them. Reference: consul-http-api, sections 6.9 and 12.2. */
import { z } from 'zod';
import { isUnspecified } from '../../address.ts';
import type { OwnService } from '../catalog.ts';
import { buildCheck, type CheckDefinition, checkInput, type Finding, isEmptyCheck } from './check.ts';
import { type Decoded, type DecodeOptions, decode } from './decode.ts';
import type { Refuse } from './fields.ts';
import { type ParsedDefinition, type Path, problem } from './problem.ts';

const metaPairsMax = 64;
const metaKeyLengthMax = 128;
const metaValueLengthMax = 512;

const port = z.int().min(0).max(65_535);
const ignored = z.unknown().optional();

/** A definition with snake_case keys, as the JSON Schema shows it. */
export const serviceInput = z
  .strictObject({
    id: z.string().optional().describe('Unique on this agent; default: the name.'),
    name: z.string().optional(),
    tags: z.array(z.string()).optional(),
    address: z.string().optional().describe("IP address or host name; default: the node's."),
    port: port.optional(),
    meta: z.record(z.string(), z.string()).optional(),
    tagged_addresses: z
      .record(z.string(), z.strictObject({ address: z.string().optional(), port: port.optional() }))
      .optional(),
    weights: z
      .strictObject({ passing: z.int().optional(), warning: z.int().optional(), critical: ignored })
      .optional()
      .describe('Weights of DNS answers while the service is passing or warning; default: 1 and 1.'),
    enable_tag_override: z.boolean().optional().describe("Leave the catalog's tags alone."),
    check: checkInput.optional(),
    checks: z.array(checkInput).optional(),
    kind: z.string().optional(),
    token: z.string().optional(),
    connect: ignored,
    proxy: ignored,
    proxy_destination: ignored,
    socket_path: ignored,
    namespace: ignored,
    partition: ignored,
    locality: ignored,
  })
  .describe('A service of this host, with its checks.');
type ServiceInput = z.output<typeof serviceInput>;

/** What Consul's services have for a mesh, or its larger edition. */
const ignoredKeys = [
  'connect',
  'proxy',
  'proxy_destination',
  'socket_path',
  'namespace',
  'partition',
  'locality',
] as const;

export interface ServiceDefinition extends OwnService {
  /** A secret; never shown. */
  readonly token: string;
  /** In the order of the definition, `check` before `checks`. */
  readonly checks: readonly CheckDefinition[];
}

/** Reads a service with its checks. Every problem is reported at once. */
export function parseServiceDefinition(
  value: unknown,
  options: DecodeOptions = {},
): ParsedDefinition<ServiceDefinition> {
  const decoded = decode(serviceInput, value, options);
  const { raw } = decoded;
  const found: Finding = { errors: [...decoded.problems], warnings: [] };
  if (raw === undefined) return { ok: false, errors: found.errors };
  const refuse: Refuse = (key, message, consul) =>
    found.errors.push(problem(decoded.spelt([key].flat()), message, consul === undefined ? {} : { consul }));

  const name = raw.name ?? '';
  if (name === '' && !decoded.isFaulty(['name'])) refuse([], 'needs a name', 'Missing service name');
  const id = raw.id || name;
  if (isUnspecified(raw.address ?? '') || raw.address === '[::]') {
    refuse('address', 'must be an address that others can reach', 'Invalid service address');
  }
  const weights = { passing: raw.weights?.passing ?? 1, warning: raw.weights?.warning ?? 1 };
  if (weights.passing <= 0) {
    refuse(
      ['weights', 'passing'],
      'must be greater than 0',
      'Invalid Weights: Passing must be greater than 0',
    );
  }
  if (weights.warning < 0) {
    refuse(
      ['weights', 'warning'],
      'must not be negative',
      'Invalid Weights: Warning must be greater or equal than 0',
    );
  }
  checkMeta(raw.meta ?? {}, refuse);
  for (const key of ignoredKeys) {
    if (raw[key] !== undefined) found.warnings.push(problem(decoded.spelt([key]), 'has no meaning here'));
  }
  if (raw.weights?.critical !== undefined) {
    found.warnings.push(problem(decoded.spelt(['weights', 'critical']), 'has no meaning here'));
  }
  const checks = buildChecks(raw, id, name, decoded, found);
  if (found.errors.length > 0) return { ok: false, errors: found.errors };
  return {
    ok: true,
    warnings: found.warnings,
    definition: {
      id,
      name,
      tags: raw.tags ?? [],
      address: raw.address ?? '',
      port: raw.port ?? 0,
      meta: raw.meta ?? {},
      taggedAddresses: Object.fromEntries(
        Object.entries(raw.tagged_addresses ?? {}).map(([tag, { address = '', port = 0 }]) => [
          tag,
          { address, port },
        ]),
      ),
      weights,
      enableTagOverride: raw.enable_tag_override ?? false,
      kind: raw.kind ?? '',
      token: raw.token ?? '',
      checks,
    },
  };
}

function buildChecks(
  raw: ServiceInput,
  id: string,
  name: string,
  decoded: Pick<Decoded<unknown>, 'spelt' | 'isFaulty'>,
  found: Finding,
): CheckDefinition[] {
  const inputs: Array<{ input: z.output<typeof checkInput>; at: Path }> = [];
  if (raw.check !== undefined) inputs.push({ input: raw.check, at: ['check'] });
  for (const [index, input] of (raw.checks ?? []).entries()) inputs.push({ input, at: ['checks', index] });
  const meant = inputs.filter(({ input }) => !isEmptyCheck(input));

  const checks: CheckDefinition[] = [];
  meant.forEach(({ input, at }, index) => {
    const position = meant.length === 1 ? 0 : index + 1;
    const check = buildCheck(input, at, decoded, { id, name, position }, found);
    if (check === null) return;
    if (checks.some((other) => other.id === check.id)) {
      found.errors.push(
        problem(decoded.spelt(at), `has the id of another check of this service, "${check.id}"`),
      );
    }
    checks.push(check);
  });
  return checks;
}

function checkMeta(meta: Readonly<Record<string, string>>, refuse: Refuse): void {
  const bad = (key: string, value: string, reason: string) =>
    refuse(
      ['meta', key],
      reason,
      `Invalid Service Meta: Couldn't load metadata pair ('${key}', '${value}'): ${reason}`,
    );
  const pairs = Object.entries(meta);
  if (pairs.length > metaPairsMax) {
    const reason = `Node metadata cannot contain more than ${metaPairsMax} key/value pairs`;
    refuse('meta', reason, `Invalid Service Meta: ${reason}`);
  }
  for (const [key, value] of pairs) {
    if (key === '') bad(key, value, 'Key cannot be blank');
    else if (!/^[A-Za-z0-9_-]+$/.test(key)) bad(key, value, 'Key contains invalid characters');
    else if (key.length > metaKeyLengthMax)
      bad(key, value, `Key is too long (limit: ${metaKeyLengthMax} characters)`);
    else if (value.length > metaValueLengthMax) {
      bad(key, value, `Value is too long (limit: ${metaValueLengthMax} characters)`);
    }
  }
}
