/**
 * What spares people from writing a definition twice: `defaults` for all checks, `templates` that are filled in with
 * `use` and `with`, and `for_each`. All of it is written out before the definitions are looked at, so what they may
 * say does not depend on how they came to be. A definition that uses none of it is not touched, and a `${…}` in it
 * is only text.
 */
import { suggest } from '../../proto/suggest.ts';
import {
  type Located,
  type LocatedEntry,
  type LocatedMap,
  list,
  map,
  type Path,
  pathInFile,
  type Scalar,
  scalar,
  valueAt,
} from './located.ts';
import type { Problems } from './problems.ts';
import { namesIn, substituteMap, type Values } from './substitute.ts';

/** So many copies of one definition are a slip, or belong into separate files. */
const copiesMax = 1_000;

type Kind = 'check' | 'service';

/** The tree with `checks` and `services` written out. */
export function expandDefinitions(tree: LocatedMap, problems: Problems): LocatedMap {
  const expand = new Expansion(tree, problems);
  const entries = new Map(tree.entries);
  for (const [key, kind] of [
    ['checks', 'check'],
    ['services', 'service'],
  ] as const) {
    const found = entries.get(key);
    if (found) entries.set(key, { ...found, value: expand.list(found.value, kind, [key]) });
  }
  return map(entries, tree.at);
}

class Expansion {
  readonly #tree: LocatedMap;
  readonly #problems: Problems;

  constructor(tree: LocatedMap, problems: Problems) {
    this.#tree = tree;
    this.#problems = problems;
  }

  list(located: Located, kind: Kind, path: Path): Located {
    if (located.kind !== 'list') return located;
    const items = located.items.flatMap((item, index) =>
      item.kind === 'map' ? this.#item(item, kind, pathInFile(item, [...path, index])) : [item],
    );
    return list(items, located.at);
  }

  /** One item of a list: itself, or a copy for each of `for_each`. */
  #item(item: LocatedMap, kind: Kind, path: Path): Located[] {
    const forEach = item.entries.get('for_each');
    if (forEach === undefined) return [this.#definition(item, kind, path)];
    const body = withoutKeys(item, ['for_each']);
    return this.#rounds(forEach, [...path, 'for_each']).map((values) =>
      this.#definition(substituteMap(body, values, path, this.#problems), kind, path),
    );
  }

  #rounds(forEach: LocatedEntry, path: Path): Values[] {
    const { value } = forEach;
    if (value.kind === 'scalar') {
      this.#problems.error(value.at, path, 'must be a list of values, or a map of names to values');
      return [];
    }
    const size = value.kind === 'list' ? value.items.length : value.entries.size;
    if (size > copiesMax) {
      this.#problems.error(
        value.at,
        path,
        `makes ${size} definitions of one; at most ${copiesMax} are meant`,
      );
      return [];
    }
    if (value.kind === 'list') {
      return value.items.map((item, index) => this.#round([['each', item]], [...path, index]));
    }
    return [...value.entries].map(([key, entry]) =>
      this.#round(
        [
          ['key', scalar(key, entry.keyAt)],
          ['value', entry.value],
        ],
        [...path, key],
      ),
    );
  }

  /** A map as a value gives a name to each of its keys: `${each.host}`. */
  #round(parts: ReadonlyArray<readonly [string, Located]>, path: Path): Values {
    const values = new Map<string, Scalar>();
    for (const [name, located] of parts) {
      if (located.kind === 'scalar') values.set(name, located.value);
      else if (located.kind === 'map') {
        for (const [key, entry] of located.entries) {
          if (entry.value.kind === 'scalar') values.set(`${name}.${key}`, entry.value.value);
          else this.#problems.error(entry.value.at, [...path, key], 'must be a single value');
        }
      } else this.#problems.error(located.at, path, 'must be a single value or a map of them');
    }
    return values;
  }

  /** Fills in the template it uses, if any; its own keys win. */
  #definition(item: LocatedMap, kind: Kind, path: Path): LocatedMap {
    const use = item.entries.get('use');
    let whole = item;
    if (use !== undefined) whole = this.#used(item, use, kind, path);
    else if (item.entries.has('with')) {
      const { keyAt } = item.entries.get('with')!;
      this.#problems.error(keyAt, [...path, 'with'], 'needs a template: `use: NAME`');
      whole = withoutKeys(item, ['with']);
    }
    return kind === 'check' ? this.#withDefaults(whole) : this.#withChecks(whole, path);
  }

  #used(own: LocatedMap, use: LocatedEntry, kind: Kind, path: Path): LocatedMap {
    const rest = withoutKeys(own, ['use', 'with']);
    const name = use.value.kind === 'scalar' ? String(use.value.value) : '';
    const template = valueAt(this.#tree, ['templates', name]);
    const body = valueAt(this.#tree, ['templates', name, kind]);
    if (body?.kind !== 'map') {
      const known = valueAt(this.#tree, ['templates']);
      const names = known?.kind === 'map' ? known.entries.keys() : [];
      const message = template ? `the template "${name}" makes no ${kind}` : `there is no template "${name}"`;
      this.#problems.error(use.value.at, [...path, 'use'], message, template ? '' : suggest(name, names));
      return rest;
    }
    const defaults = this.#values(valueAt(this.#tree, ['templates', name, 'parameters']), [
      'templates',
      name,
      'parameters',
    ]);
    const given = this.#values(own.entries.get('with')?.value, [...path, 'with']);
    const wanted = new Set([...namesIn(body), ...defaults.keys()]);
    for (const key of given.keys()) {
      if (wanted.has(key)) continue;
      const at = (valueAt(own, ['with', key]) ?? own).at;
      this.#problems.error(
        at,
        [...path, 'with', key],
        `the template "${name}" has no such parameter`,
        suggest(key, wanted),
      );
    }
    for (const key of namesIn(body)) {
      if (given.has(key) || defaults.has(key)) continue;
      this.#problems.error(
        use.value.at,
        [...path, 'with', key],
        `the template "${name}" needs a value for it`,
      );
      defaults.set(key, '');
    }
    const made = substituteMap(body, new Map([...defaults, ...given]), path, this.#problems);
    return map(new Map([...made.entries, ...rest.entries]), own.at);
  }

  #values(located: Located | undefined, path: Path): Map<string, Scalar> {
    const values = new Map<string, Scalar>();
    if (located === undefined) return values;
    if (located.kind !== 'map') {
      this.#problems.error(located.at, path, 'must be a map of names to values');
      return values;
    }
    for (const [key, { value }] of located.entries) {
      if (value.kind === 'scalar') values.set(key, value.value);
      else this.#problems.error(value.at, [...path, key], 'must be a single value');
    }
    return values;
  }

  /** What `defaults.check` says and the check does not, in any spelling. */
  #withDefaults(check: LocatedMap): LocatedMap {
    const defaults = valueAt(this.#tree, ['defaults', 'check']);
    if (defaults?.kind !== 'map') return check;
    const own = new Set([...check.entries.keys()].map(plain));
    // A check that is fed or has a timetable of its own takes no interval.
    const timed = ['ttl', 'cron', 'aliasnode', 'aliasservice'].some((key) => own.has(key));
    const missing = [...defaults.entries].filter(([key]) => {
      return !own.has(plain(key)) && !(timed && plain(key) === 'interval');
    });
    const named = missing.map(([key, entry]) => {
      const at = { ...entry.value.at, path: ['defaults', 'check', key] };
      return [key, { ...entry, value: { ...entry.value, at } }] as const;
    });
    return map([...check.entries, ...named], check.at);
  }

  /** The checks inside of a service may use all of this as well. */
  #withChecks(service: LocatedMap, path: Path): LocatedMap {
    const entries = new Map(service.entries);
    for (const [key, entry] of service.entries) {
      const inner = [...path, key];
      if (plain(key) === 'checks') {
        entries.set(key, { ...entry, value: this.list(entry.value, 'check', inner) });
      } else if (plain(key) === 'check' && entry.value.kind === 'map') {
        entries.set(key, { ...entry, value: this.#definition(entry.value, 'check', inner) });
      }
    }
    return map(entries, service.at);
  }
}

/** Files made for the HTTP API spell keys in CamelCase. */
function plain(key: string): string {
  return key.toLowerCase().replaceAll('_', '');
}

function withoutKeys(located: LocatedMap, keys: readonly string[]): LocatedMap {
  return map(
    [...located.entries].filter(([key]) => !keys.includes(key)),
    located.at,
  );
}
