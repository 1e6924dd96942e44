/**
 * `${name}` in the text of a template. A value that is nothing but `${name}` keeps the type of what is filled in
 * (`port: ${port}` is a number); `$${` is a plain `${`. References to the outside (`${env:TOKEN}`) are left alone,
 * see references.ts.
 */
import { suggest } from '../../proto/suggest.ts';
import {
  type Located,
  type LocatedMap,
  list,
  map,
  type Path,
  type Place,
  type Scalar,
  scalar,
} from './located.ts';
import type { Problems } from './problems.ts';

export type Values = ReadonlyMap<string, Scalar>;

const marks = /\$?\$\{([^}]*)\}/g;
const whole = /^\$\{([^}:]*)\}$/;

/** The map with all names filled in, those in keys too. A name that has no value is a problem. */
export function substituteMap(body: LocatedMap, values: Values, path: Path, problems: Problems): LocatedMap {
  function fill(text: string, at: Place, where: Path): Scalar {
    const only = whole.exec(text)?.[1];
    if (only !== undefined && values.has(only)) return values.get(only)!;
    return text.replaceAll(marks, (mark, name: string) => {
      if (mark.startsWith('$$')) return mark.slice(1);
      if (name.includes(':')) return mark;
      if (values.has(name)) return String(values.get(name));
      const message = `\${${name}} has no value here; a plain \${ is written $\${`;
      problems.error(at, where, message, suggest(name, values.keys()));
      return '';
    });
  }
  function visit(here: Located, where: Path): Located {
    if (here.kind === 'map') return visitMap(here, where);
    if (here.kind === 'list') {
      return list(
        here.items.map((item, index) => visit(item, [...where, index])),
        here.at,
      );
    }
    return typeof here.value === 'string' ? scalar(fill(here.value, here.at, where), here.at) : here;
  }
  function visitMap(here: LocatedMap, where: Path): LocatedMap {
    const entries = [...here.entries].map(([key, entry]) => {
      const inner = [...where, key];
      const name = String(fill(key, entry.keyAt, inner));
      return [name, { ...entry, value: visit(entry.value, inner) }] as const;
    });
    return map(entries, here.at);
  }
  return visitMap(body, path);
}

/** The names that the tree asks for. */
export function namesIn(located: Located): Set<string> {
  const names = new Set<string>();
  function collect(text: string): void {
    for (const [mark, name] of text.matchAll(marks)) {
      if (!mark.startsWith('$$') && !name!.includes(':')) names.add(name!);
    }
  }
  function visit(here: Located): void {
    if (here.kind === 'list') for (const item of here.items) visit(item);
    else if (here.kind === 'map') {
      for (const [key, entry] of here.entries) {
        collect(key);
        visit(entry.value);
      }
    } else if (typeof here.value === 'string') collect(here.value);
  }
  visit(located);
  return names;
}
