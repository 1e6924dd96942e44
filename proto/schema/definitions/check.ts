/**
 * Check definitions as Consul has them, with what is ours, as one checked object with defaults filled in.
 * Reference: consul-http-api, sections 2, 6.8 and 12.1.
 */
import { z } from 'zod';
import { parseCron } from '../../cron.ts';
import { type Decoded, type DecodeOptions, decode } from './decode.ts';
import { duration, type Refuse } from './fields.ts';
import { type CheckSpec, kindSchemas } from './kinds.ts';
import { type DefinitionProblem, type ParsedDefinition, type Path, problem } from './problem.ts';

/** Consul raises a shorter interval silently; we say so. */
const intervalMsMin = 1_000;
const deregisterAfterMsMin = 60_000;
/** How often an alias of another node looks there. */
const aliasIntervalMs = 10_000;
const staleAfterDefault = 3;

const commonKeys = {
  id: z.string().optional().describe('Unique on this agent; default: the name.'),
  name: z.string().optional(),
  notes: z.string().optional().describe('For people.'),
  service_id: z
    .string()
    .optional()
    .describe('The service that it belongs to; without one it belongs to the node.'),
  token: z.string().optional(),
  status: z
    .enum(['passing', 'warning', 'critical'])
    .optional()
    .describe('Status until the first result; default: pending.'),
  interval: duration.optional().describe('Time between two runs, at least 1s.'),
  timeout: duration.optional().describe('Default: 30s for scripts, 10s for the others.'),
  retry_interval: duration.optional().describe('Interval while a bad result waits for its confirmation.'),
  recovery_interval: duration.optional().describe('Interval while the check is critical.'),
  recovery_interval_max: duration
    .optional()
    .describe(
      'In a long outage the recovery interval doubles every ten runs, up to this; default: it stays.',
    ),
  cron: z.string().optional().describe('Times to run at, instead of an interval: "*/5 * * * *".'),
  timezone: z.string().optional().describe('Time zone of cron; default: UTC.'),
  success_before_passing: z.int().nonnegative().optional().describe('Good results in a row before passing.'),
  failures_before_warning: z
    .int()
    .nonnegative()
    .optional()
    .describe('Bad results in a row before warning; default: failures_before_critical.'),
  failures_before_critical: z
    .int()
    .nonnegative()
    .optional()
    .describe('Bad results in a row before critical.'),
  stale_after: z
    .number()
    .nonnegative()
    .optional()
    .describe('Intervals after which the newest result is too old to be believed; default: 3; 0: never.'),
  output_max_size: z.int().optional().describe('Bytes of output that are kept; default: 4096.'),
  deregister_critical_service_after: duration
    .optional()
    .describe('Remove the service when this check was critical for so long, at least 1m.'),
};

/** Keys of Consul that mean nothing here; taken, so that definitions load as they are. */
const ignoredKeys = {
  proxy_http: z.unknown().optional(),
  proxy_grpc: z.unknown().optional(),
  namespace: z.unknown().optional(),
  partition: z.unknown().optional(),
  enterprise_meta: z.unknown().optional(),
};

type UnionToIntersection<Union> = (Union extends unknown ? (part: Union) => void : never) extends (
  whole: infer Whole,
) => void
  ? Whole
  : never;
type KindKeys = UnionToIntersection<(typeof kindSchemas)[number]['keys']>;

const kindKeys = Object.assign({}, ...kindSchemas.map((schema) => schema.keys)) as KindKeys;

/** A definition with snake_case keys, as the JSON Schema shows it. */
export const checkInput = z
  .strictObject({ ...commonKeys, ...kindKeys, ...ignoredKeys })
  .describe('A check: exactly one of the keys that name what to ask.');
export type CheckInput = z.output<typeof checkInput>;

export interface CheckDefinition {
  readonly id: string;
  readonly name: string;
  readonly notes: string;
  /** '' for a check of the node. */
  readonly serviceId: string;
  /** A secret; never shown. */
  readonly token: string;
  /** Status until the first result; null: pending. */
  readonly initialStatus: 'passing' | 'warning' | 'critical' | null;
  /** 0 for a check that is not run by a timetable, or by cron. */
  readonly intervalMs: number;
  readonly cron: { readonly expression: string; readonly timezone: string } | null;
  readonly timeoutMs: number;
  readonly retryIntervalMs: number | null;
  readonly recoveryIntervalMs: number | null;
  readonly recoveryIntervalMaxMs: number | null;
  /** Results in a row before the status changes, at least 1. */
  readonly successBeforePassing: number;
  readonly failuresBeforeWarning: number;
  readonly failuresBeforeCritical: number;
  /** Intervals without a result after which the check is stale; 0: never. */
  readonly staleAfterIntervals: number;
  /** null: the agent's own limit. */
  readonly outputBytesMax: number | null;
  readonly deregisterServiceAfterMs: number | null;
  readonly spec: CheckSpec;
}

/** What a check takes from the service whose definition it stands in. */
export interface EnclosingService {
  readonly id: string;
  readonly name: string;
  /** Its number among the service's checks, from 1; 0 when it is the only one. */
  readonly position: number;
}

export interface Finding {
  readonly errors: DefinitionProblem[];
  readonly warnings: DefinitionProblem[];
}

/** Reads a check that stands alone. Every problem is reported at once. */
export function parseCheckDefinition(
  value: unknown,
  options: DecodeOptions = {},
): ParsedDefinition<CheckDefinition> {
  const decoded = decode(checkInput, value, options);
  const found: Finding = { errors: [...decoded.problems], warnings: [] };
  if (decoded.raw === undefined) return { ok: false, errors: found.errors };
  const definition = buildCheck(decoded.raw, [], decoded, null, found);
  if (found.errors.length > 0) return { ok: false, errors: found.errors };
  return { ok: true, definition: definition!, warnings: found.warnings };
}

/** The definition at `at` within a decoded value; null, with an error noted, when it has no kind. */
export function buildCheck(
  raw: CheckInput,
  at: Path,
  decoded: Pick<Decoded<unknown>, 'spelt' | 'isFaulty'>,
  service: EnclosingService | null,
  found: Finding,
): CheckDefinition | null {
  const place = (key: string | Path): Path => decoded.spelt([...at, ...[key].flat()]);
  const refuse: Refuse = (key, message, consul) =>
    found.errors.push(problem(place(key), message, consul === undefined ? {} : { consul }));
  const here: Refuse = (_key, message, consul) =>
    found.errors.push(problem(decoded.spelt(at), message, consul === undefined ? {} : { consul }));

  const isFaulty = (key: string) => decoded.isFaulty([...at, key]);
  const name = raw.name || (service === null ? (raw.id ?? '') : `Service '${service.name}' check`);
  if (name === '' && !isFaulty('name')) here('', 'needs a name', 'Missing check name');
  const schema = chooseKind(raw, isFaulty, refuse, here);
  if (schema === null) return null;

  for (const key of Object.keys(raw)) {
    const common = Object.hasOwn(commonKeys, key);
    if (common || Object.hasOwn(schema.keys, key)) continue;
    found.warnings.push(problem(place(key), vanity(key, raw, schema)));
  }
  // Each kind's schema takes its own keys out of the whole; the types of the list cannot say so.
  const spec = (schema.spec as (raw: CheckInput, refuse: Refuse) => CheckSpec)(raw, refuse);
  const failuresBeforeCritical = Math.max(1, raw.failures_before_critical ?? 1);
  const failuresBeforeWarning = Math.max(1, raw.failures_before_warning ?? failuresBeforeCritical);
  if (failuresBeforeWarning > failuresBeforeCritical) {
    refuse(
      'failures_before_warning',
      `must not be greater than failures_before_critical (${failuresBeforeCritical})`,
    );
  }
  if (raw.output_max_size !== undefined && raw.output_max_size < 0) {
    refuse('output_max_size', 'must be positive', 'Invalid check: MaxOutputMaxSize must be positive');
  }
  return {
    id: raw.id || idOf(name, service),
    name,
    notes: raw.notes ?? '',
    serviceId: service?.id ?? raw.service_id ?? '',
    token: raw.token ?? '',
    initialStatus: raw.status ?? null,
    ...timetable(raw, schema, isFaulty, refuse, here, (key, message) =>
      found.warnings.push(problem(place(key), message)),
    ),
    successBeforePassing: Math.max(1, raw.success_before_passing ?? 1),
    failuresBeforeWarning,
    failuresBeforeCritical,
    staleAfterIntervals: raw.stale_after ?? staleAfterDefault,
    outputBytesMax: raw.output_max_size || null,
    deregisterServiceAfterMs: raised(raw.deregister_critical_service_after, deregisterAfterMsMin),
    spec,
  };
}

function idOf(name: string, service: EnclosingService | null): string {
  if (service === null) return name;
  return service.position === 0 ? `service:${service.id}` : `service:${service.id}:${service.position}`;
}

/** True when the definition says nothing of what to ask. Consul drops such a check in a service silently. */
export function isEmptyCheck(raw: CheckInput): boolean {
  return (
    raw.interval === undefined &&
    raw.ttl === undefined &&
    !kindSchemas.some((schema) => schema.chosenBy.some((key) => isGiven(raw[key as keyof CheckInput])))
  );
}

type AnyKind = (typeof kindSchemas)[number];

function chooseKind(
  raw: CheckInput,
  isFaulty: (key: string) => boolean,
  refuse: Refuse,
  here: Refuse,
): AnyKind | null {
  const chosen: Array<{ schema: AnyKind; key: string }> = [];
  for (const schema of kindSchemas) {
    const key = schema.chosenBy.find((key) => isGiven(raw[key as keyof CheckInput]));
    // The args of a docker check are what it runs in the container.
    const taken = schema.kind === 'script' && chosen.some((other) => other.schema.kind === 'docker');
    if (key !== undefined && !taken) chosen.push({ schema, key });
  }
  const [first] = chosen;
  if (first === undefined) {
    const keys = kindSchemas.flatMap((schema): readonly string[] => schema.chosenBy);
    if (keys.some(isFaulty)) return null;
    here('', `needs one of ${keys.join(', ')}`, 'Invalid check: TTL must be > 0 for TTL checks');
    return null;
  }
  if (isGiven(raw.ttl) && isGiven(raw.interval)) {
    refuse('interval', 'cannot stand beside ttl', 'Invalid check: Interval and TTL cannot both be specified');
  }
  return first.schema;
}

/** Why a key has no effect. Where several kinds are named the first one counts, as in Consul. */
function vanity(key: string, raw: CheckInput, schema: AnyKind): string {
  if (Object.hasOwn(ignoredKeys, key)) return 'has no meaning here';
  const names = (each: AnyKind) => (each.chosenBy as readonly string[]).includes(key);
  if (isGiven(raw[key as keyof CheckInput]) && kindSchemas.some(names)) {
    return `has no effect: this is a check of kind ${schema.kind}; make two checks of them`;
  }
  return `has no meaning for a check of kind ${schema.kind}`;
}

/** Consul's clients send every field, with '' or 0 where they mean nothing. */
function isGiven(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== undefined && value !== '' && value !== 0 && value !== false;
}

function timetable(
  raw: CheckInput,
  schema: AnyKind,
  isFaulty: (key: string) => boolean,
  refuse: Refuse,
  here: Refuse,
  warn: (key: string, message: string) => void,
): Pick<
  CheckDefinition,
  'intervalMs' | 'cron' | 'timeoutMs' | 'retryIntervalMs' | 'recoveryIntervalMs' | 'recoveryIntervalMaxMs'
> {
  const positive = (key: 'interval' | 'retry_interval' | 'recovery_interval' | 'recovery_interval_max') => {
    const value = raw[key];
    if (value === undefined || value === 0) return null;
    if (value < 0) refuse(key, 'must be longer than 0');
    else if (value < intervalMsMin) warn(key, 'is raised to 1s, the shortest interval');
    return Math.max(intervalMsMin, value);
  };
  const interval = positive('interval');
  const cron = raw.cron ? { expression: raw.cron, timezone: raw.timezone ?? 'UTC' } : null;
  if (cron !== null) {
    const parsed = parseCron(cron.expression, cron.timezone);
    if (!parsed.ok) refuse('cron', parsed.message);
    if (interval !== null) refuse('cron', 'cannot stand beside interval');
  }
  const isTimed = interval !== null || cron !== null || isFaulty('interval') || isFaulty('cron');
  if (schema.timetable === 'required' && !isTimed) {
    here('', 'needs an interval', 'Invalid check: Interval must be > 0 for Script, HTTP, or TCP checks');
  }
  if (raw.timeout !== undefined && raw.timeout < 0) refuse('timeout', 'must be longer than 0');
  return {
    intervalMs: interval ?? (schema.timetable === 'optional' && cron === null ? aliasIntervalMs : 0),
    cron,
    timeoutMs: raw.timeout || schema.timeoutMs,
    retryIntervalMs: positive('retry_interval'),
    recoveryIntervalMs: positive('recovery_interval'),
    recoveryIntervalMaxMs: positive('recovery_interval_max'),
  };
}

function raised(value: number | undefined, min: number): number | null {
  return value === undefined || value <= 0 ? null : Math.max(min, value);
}
