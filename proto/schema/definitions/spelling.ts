/**
 * Consul takes keys in CamelCase without regard to case (`TLSSkipVerify`, `tlsskipverify`) and, in places, in
 * snake_case. We take every key in both. This file turns any of them into the snake_case key of the schema,
 * before the schema looks at the value, and remembers how each key was spelt, for the messages.
 */
import type { z } from 'zod';
import { suggest } from '../../suggest.ts';
import { duration } from './fields.ts';
import { type DefinitionProblem, type Path, problem } from './problem.ts';

/** Second names for a key of the schema, in lower case. */
const aliases: Readonly<Record<string, string>> = {
  script_args: 'args',
  scriptargs: 'args',
  check_id: 'id',
  checkid: 'id',
};

/** Keys with a choice of words in which clients that always send them leave the choice open. */
const openWhenEmpty = new Set(['status']);

/** Words that Go writes in capitals. */
const initialisms = new Set(['id', 'http', 'tcp', 'udp', 'grpc', 'tls', 'ttl', 'os', 'dns', 'icmp']);

export interface Respelt {
  /** The value with the keys of the schema; null counts as not given. */
  readonly value: unknown;
  readonly problems: readonly DefinitionProblem[];
  /** The path of a schema key, spelt as it was given. */
  spelt(path: Path): Path;
  /** The last key of the schema on the way; what follows it are names that the user chose. */
  field(path: Path): string;
}

/**
 * Respells all keys below `schema`'s objects. Unknown keys and keys given twice are problems, and so are
 * durations without a unit when `unitsNeeded` is set.
 */
export function respell(schema: z.ZodType, value: unknown, unitsNeeded = false): Respelt {
  const problems: DefinitionProblem[] = [];
  const spellings = new Map<string, string>();

  function visit(schema: unknown, value: unknown, path: Path, given: Path): unknown {
    if (unitsNeeded && typeof value === 'number' && isDuration(schema)) {
      problems.push(problem(given, 'needs a unit', { suggestion: `${value}s` }));
      return undefined;
    }
    const inner = unwrap(schema);
    if (inner === null || typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      if (inner.type !== 'array') return value;
      return value.map((item, index) => visit(inner.element, item, [...path, index], [...given, index]));
    }
    if (inner.type === 'record') {
      const entries = Object.entries(value).filter(([, item]) => item !== null);
      return Object.fromEntries(
        entries.map(([key, item]) => [key, visit(inner.valueType, item, [...path, key], [...given, key])]),
      );
    }
    return inner.type === 'object' ? visitObject(inner.shape!, value, path, given) : value;
  }

  function visitObject(
    shape: Readonly<Record<string, unknown>>,
    value: object,
    path: Path,
    given: Path,
  ): Record<string, unknown> {
    const known = index(shape);
    const out = new Map<string, unknown>();
    for (const [key, item] of Object.entries(value)) {
      const name = known.get(key.toLowerCase());
      if (name === undefined) {
        problems.push(unknownKey([...given, key], key, Object.keys(shape)));
      } else if (out.has(name)) {
        problems.push(
          problem([...given, key], `is given twice, here and as "${spellings.get(place([...path, name]))}"`),
        );
      } else if (item !== null && !(item === '' && openWhenEmpty.has(name))) {
        spellings.set(place([...path, name]), key);
        out.set(name, visit(shape[name], item, [...path, name], [...given, key]));
      }
    }
    return Object.fromEntries(out);
  }

  const respelt = visit(schema, value, [], []);
  const spelt = (path: Path) =>
    path.map((key, index) => spellings.get(place(path.slice(0, index + 1))) ?? key);
  const field = (path: Path) =>
    String(path.findLast((_, index) => spellings.has(place(path.slice(0, index + 1)))) ?? '');
  return { value: respelt, problems, spelt, field };
}

/** `tls_skip_verify` → `TLSSkipVerify`: the field's name in the texts of Consul. */
export function goFieldName(key: string): string {
  const words = key.split('_').map((word) => (initialisms.has(word) ? word.toUpperCase() : capital(word)));
  return words.join('').replace(/^H2ping/, key === 'h2ping' ? 'H2PING' : 'H2Ping');
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function unknownKey(path: Path, key: string, known: string[]): DefinitionProblem {
  const suggestion = suggest(key, known);
  return problem(path, 'is not a known key', {
    ...(suggestion === undefined ? {} : { suggestion }),
    consul: `Request decode failed: json: unknown field ${JSON.stringify(key)}`,
  });
}

const indexes = new WeakMap<object, Map<string, string>>();

/** All spellings of a schema's keys, in lower case; made once a schema. */
function index(shape: Readonly<Record<string, unknown>>): Map<string, string> {
  let known = indexes.get(shape);
  if (known === undefined) {
    known = new Map();
    for (const name of Object.keys(shape)) known.set(name, name).set(name.replaceAll('_', ''), name);
    for (const [alias, name] of Object.entries(aliases)) {
      if (Object.hasOwn(shape, name) && !known.has(alias)) known.set(alias, name);
    }
    indexes.set(shape, known);
  }
  return known;
}

/** The part of a zod schema's definition that says what is inside. */
interface Inside {
  readonly type: string;
  readonly shape?: Readonly<Record<string, unknown>>;
  readonly element?: unknown;
  readonly valueType?: unknown;
  readonly innerType?: unknown;
  readonly in?: unknown;
}

function unwrap(schema: unknown): Inside | null {
  let inner = inside(schema);
  while (inner?.type === 'optional' || inner?.type === 'pipe') {
    inner = inside(inner.type === 'pipe' ? inner.in : inner.innerType);
  }
  return inner ?? null;
}

function isDuration(schema: unknown): boolean {
  return schema === duration || inside(schema)?.innerType === duration;
}

function inside(schema: unknown): Inside | undefined {
  return (schema as { def?: Inside } | undefined)?.def;
}

function place(path: Path): string {
  return JSON.stringify(path);
}
