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
  /** Whether this key of the schema was given in a way that cannot be read, or was probably meant by one that is unknown. */
  isFaulty(path: Path): boolean;
}

/** Where a value stands: by the keys of the schema, and as it was given. */
interface Place {
  readonly path: Path;
  readonly given: Path;
}

/**
 * Respells all keys below `schema`'s objects. Unknown keys and keys given twice are problems, and so are
 * durations without a unit when `unitsNeeded` is set. Who stood where is noted only once somebody asks, which is when
 * there is something wrong: most values are sound, and thousands of them come in a second.
 */
export function respell(schema: z.ZodType, value: unknown, unitsNeeded = false): Respelt {
  const quick = new Respelling(unitsNeeded, null);
  const respelt = quick.visit(schema, value, null);
  let notes: Notes | null = null;
  const noted = (): Notes => {
    if (notes !== null) return notes;
    notes = { problems: [], spellings: new Map(), faulty: new Set() };
    new Respelling(unitsNeeded, notes).visit(schema, value, { path: [], given: [] });
    return notes;
  };
  const has = (path: Path) => noted().spellings.get(keyOf(path));
  return {
    value: respelt,
    problems: quick.isSound ? [] : noted().problems,
    spelt: (path) => path.map((key, index) => has(path.slice(0, index + 1)) ?? key),
    field: (path) => String(path.findLast((_, index) => has(path.slice(0, index + 1)) !== undefined) ?? ''),
    isFaulty: (path) => !quick.isSound && noted().faulty.has(keyOf(path)),
  };
}

interface Notes {
  readonly problems: DefinitionProblem[];
  /** Path by the keys of the schema → the last key as it was given. */
  readonly spellings: Map<string, string>;
  /** Paths by the keys of the schema of what was dropped, as far as it is known what was meant. */
  readonly faulty: Set<string>;
}

class Respelling {
  isSound = true;
  readonly #unitsNeeded: boolean;
  readonly #notes: Notes | null;

  constructor(unitsNeeded: boolean, notes: Notes | null) {
    this.#unitsNeeded = unitsNeeded;
    this.#notes = notes;
  }

  /** `at` is null when nothing is noted. */
  visit(schema: unknown, value: unknown, at: Place | null): unknown {
    if (this.#unitsNeeded && typeof value === 'number' && isDuration(schema)) {
      this.#fault(at, ({ path, given }) => {
        this.#notes?.faulty.add(keyOf(path));
        return problem(given, 'needs a unit', { suggestion: `${value}s` });
      });
      return undefined;
    }
    if (typeof value !== 'object' || value === null) return value;
    const inner = unwrap(schema);
    if (inner === null) return value;
    if (Array.isArray(value)) {
      if (inner.type !== 'array') return value;
      return value.map((item, index) => this.visit(inner.element, item, below(at, index, index)));
    }
    if (inner.type === 'record') {
      const entries = Object.entries(value).filter(([, item]) => item !== null);
      return Object.fromEntries(
        entries.map(([key, item]) => [key, this.visit(inner.valueType, item, below(at, key, key))]),
      );
    }
    return inner.type === 'object' ? this.#visitObject(inner.shape!, value, at) : value;
  }

  #visitObject(
    shape: Readonly<Record<string, unknown>>,
    value: object,
    at: Place | null,
  ): Record<string, unknown> {
    const known = index(shape);
    const out: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const name = known.get(key) ?? known.get(key.toLowerCase());
      if (name === undefined) {
        this.#fault(at, ({ path, given }) => {
          const unknown = unknownKey([...given, key], key, Object.keys(shape));
          if (unknown.suggestion !== undefined) this.#notes?.faulty.add(keyOf([...path, unknown.suggestion]));
          return unknown;
        });
      } else if (Object.hasOwn(out, name)) {
        this.#fault(at, ({ path, given }) => {
          const former = this.#notes?.spellings.get(keyOf([...path, name]));
          return problem([...given, key], `is given twice, here and as "${former}"`);
        });
      } else if (item !== null && !(item === '' && openWhenEmpty.has(name))) {
        const inside = below(at, name, key);
        if (inside !== null) this.#notes?.spellings.set(keyOf(inside.path), key);
        out[name] = this.visit(shape[name], item, inside);
      }
    }
    return out;
  }

  #fault(at: Place | null, make: (at: Place) => DefinitionProblem): void {
    this.isSound = false;
    if (at !== null) this.#notes?.problems.push(make(at));
  }
}

function below(at: Place | null, name: string | number, key: string | number): Place | null {
  return at === null ? null : { path: [...at.path, name], given: [...at.given, key] };
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

/** All spellings of a schema's keys, in lower case and as Go writes them; made once a schema. */
function index(shape: Readonly<Record<string, unknown>>): Map<string, string> {
  let known = indexes.get(shape);
  if (known === undefined) {
    known = new Map();
    for (const name of Object.keys(shape)) known.set(name, name).set(name.replaceAll('_', ''), name);
    for (const [alias, name] of Object.entries(aliases)) {
      if (Object.hasOwn(shape, name) && !known.has(alias)) known.set(alias, name);
    }
    // As Consul's own clients write them, which saves a conversion for each key.
    for (const [spelling, name] of [...known]) known.set(goFieldName(spelling), name);
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

function keyOf(path: Path): string {
  return JSON.stringify(path);
}
