/** From any value to the keys and types of a schema, with all that is wrong at once. */
import type { z } from 'zod';
import { type DefinitionProblem, jsonTypeName, type Path, problem } from './problem.ts';
import { goFieldName, type Respelt, respell } from './spelling.ts';

export interface DecodeOptions {
  /**
   * What a number means where a duration is wanted: nanoseconds, as in Consul's JSON (the default), or a
   * slip, as in YAML, where `interval: 10` never meant ten nanoseconds.
   */
  readonly numericDurations?: 'nanoseconds' | 'refused';
}

export interface Decoded<Raw> {
  /** What is left without the keys whose values are wrong, so that the rest can be judged too; undefined when nothing is. */
  readonly raw: Raw | undefined;
  readonly problems: readonly DefinitionProblem[];
  /** The path of a schema key, spelt as it was given. */
  spelt(path: Path): Path;
  /** Whether a key was given and is among the problems: what is missing for that reason is no problem of its own. */
  isFaulty(path: Path): boolean;
}

/** What Consul says of a wrong value of these keys. */
const consulTexts: Readonly<Record<string, string>> = { status: 'Bad check status' };

export function decode<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  options: DecodeOptions = {},
): Decoded<z.output<Schema>> {
  const respelt = respell(schema, value, options.numericDurations === 'refused');
  const parsed = schema.safeParse(respelt.value);
  if (parsed.success) return { ...respelt, raw: parsed.data };
  const { issues } = parsed.error;
  const wrong = issues.map((issue) => keyPath(issue.path as Path));
  const dropped = new Set(wrong.map((path) => JSON.stringify(path)));
  return {
    raw: schema.safeParse(wrong.reduce(withoutKey, respelt.value)).data,
    problems: [...respelt.problems, ...issues.map((issue) => fromIssue(issue, respelt))],
    spelt: respelt.spelt,
    isFaulty: (path) => dropped.has(JSON.stringify(path)) || respelt.isFaulty(path),
  };
}

/** The way to the key below which something is wrong: a list with a wrong item is wrong as a whole. */
function keyPath(path: Path): Path {
  return path.slice(0, path.findLastIndex((step) => typeof step === 'string') + 1);
}

/** A copy without the key at the end of the path. */
function withoutKey(value: unknown, path: Path): unknown {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) {
    return value.map((item, index) => (index === step ? withoutKey(item, rest) : item));
  }
  const entries = Object.entries(value);
  if (rest.length === 0) return Object.fromEntries(entries.filter(([key]) => key !== step));
  return Object.fromEntries(
    entries.map(([key, item]) => [key, key === step ? withoutKey(item, rest) : item]),
  );
}

function fromIssue(issue: z.core.$ZodIssue, respelt: Respelt): DefinitionProblem {
  const path = respelt.spelt(issue.path as Path);
  const key = respelt.field(issue.path as Path);
  const value = (issue.path as Path).reduce<unknown>(
    (at, key) => (at as Record<string, unknown>)?.[key],
    respelt.value,
  );
  const consul = consulTexts[key];
  if (consul !== undefined && value !== undefined) {
    return problem(path, messageOfIssue(issue, value), { consul });
  }
  switch (issue.code) {
    case 'invalid_type':
      return problem(path, messageOfIssue(issue, value), {
        consul: `Request decode failed: json: cannot unmarshal ${jsonTypeName(value)} into Go struct field .${goFieldName(key)} of type ${goTypes[issue.expected] ?? issue.expected}`,
      });
    case 'custom':
      return problem(
        path,
        issue.message,
        issue.params?.consul ? { consul: String(issue.params.consul) } : {},
      );
    default:
      return problem(path, messageOfIssue(issue, value));
  }
}

const goTypes: Readonly<Record<string, string>> = {
  boolean: 'bool',
  number: 'int',
  int: 'int',
  array: '[]string',
  record: 'map[string]string',
};

const expectedNames: Readonly<Record<string, string>> = {
  string: 'a string',
  boolean: 'true or false',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  record: 'a map',
  object: 'a map',
};

function messageOfIssue(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${expectedNames[issue.expected] ?? issue.expected}, not ${describe(value)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.join(', ')}, not ${describe(value)}`;
    case 'too_small':
      return `must be at least ${issue.minimum}`;
    case 'too_big':
      return `must be at most ${issue.maximum}`;
    case 'invalid_union':
      return issue.message === 'Invalid input' ? `cannot be ${describe(value)}` : issue.message;
    default:
      return issue.message;
  }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return typeof value === 'string' ? JSON.stringify(value.slice(0, 60)) : String(value);
}
