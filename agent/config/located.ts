/**
 * Configuration as a tree in which every key and every value remembers where it stands. Merging, templates,
 * validation and `config explain` work on this tree, so each of them can name file, line and column.
 */

/** `line` and `column` count from 1; 0 means that the file has none (the command line, a default). */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Of a definition: the way to it in its own file, where lists of several files are one behind the other. */
  readonly path?: Path;
}

export type Scalar = string | number | boolean | null;

export interface LocatedScalar {
  readonly kind: 'scalar';
  readonly at: Place;
  readonly value: Scalar;
  /** Parts of the value that must never be shown, see references.ts. */
  readonly secrets?: readonly string[];
}

export interface LocatedList {
  readonly kind: 'list';
  readonly at: Place;
  readonly items: readonly Located[];
}

export interface LocatedMap {
  readonly kind: 'map';
  readonly at: Place;
  readonly entries: ReadonlyMap<string, LocatedEntry>;
}

export interface LocatedEntry {
  readonly keyAt: Place;
  readonly value: Located;
}

export type Located = LocatedScalar | LocatedList | LocatedMap;

/** The way to a value: names of keys and numbers of list items. */
export type Path = ReadonlyArray<string | number>;

export function scalar(value: Scalar, at: Place): LocatedScalar {
  return { kind: 'scalar', at, value };
}

export function list(items: readonly Located[], at: Place): LocatedList {
  return { kind: 'list', at, items };
}

export function map(entries: Iterable<readonly [string, LocatedEntry]>, at: Place): LocatedMap {
  return { kind: 'map', at, entries: new Map(entries) };
}

/** The plain value, without places. `__proto__` becomes a key like any other. */
export function toPlain(located: Located): unknown {
  switch (located.kind) {
    case 'scalar':
      return located.value;
    case 'list':
      return located.items.map(toPlain);
    case 'map':
      return Object.fromEntries([...located.entries].map(([key, { value }]) => [key, toPlain(value)]));
  }
}

/** A tree of a plain value, all of it at one place. */
export function fromPlain(value: unknown, at: Place): Located {
  if (Array.isArray(value)) {
    return list(
      value.map((item) => fromPlain(item, at)),
      at,
    );
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      ([key, item]) => [key, { keyAt: at, value: fromPlain(item, at) }] as const,
    );
    return map(entries, at);
  }
  return scalar(value as Scalar, at);
}

/** The value at the end of the path, or undefined. */
export function valueAt(root: Located, path: Path): Located | undefined {
  let here: Located | undefined = root;
  for (const step of path) {
    if (here?.kind === 'map') here = here.entries.get(String(step))?.value;
    else if (here?.kind === 'list') here = here.items[Number(step)];
    else return undefined;
  }
  return here;
}

/** Where the value stands; a path that leads beyond the tree is placed at the last part that exists. */
export function placeOfValue(root: Located, path: Path): Place {
  return deepest(root, path).at;
}

/** How its file names the definition that stands at this path of the tree. */
export function pathInFile(located: Located, path: Path): Path {
  return located.at.path ?? path;
}

/** Where the key stands that the path ends with; as `placeOfValue` when that is no key. */
export function placeOfKey(root: Located, path: Path): Place {
  const parent = valueAt(root, path.slice(0, -1));
  if (parent?.kind === 'map') {
    const entry = parent.entries.get(String(path.at(-1)));
    if (entry) return entry.keyAt;
  }
  return placeOfValue(root, path);
}

/** The tree without what stands at these paths. */
export function without(root: LocatedMap, paths: readonly Path[]): LocatedMap {
  const gone = new Set(paths.map((path) => JSON.stringify(path)));
  const stays = (path: Path) => !gone.has(JSON.stringify(path));
  function copy(here: Located, path: Path): Located {
    if (here.kind === 'scalar') return here;
    if (here.kind === 'list') {
      const items = here.items.flatMap((item, index) =>
        stays([...path, index]) ? [copy(item, [...path, index])] : [],
      );
      return list(items, here.at);
    }
    return copyMap(here, path);
  }
  function copyMap(here: LocatedMap, path: Path): LocatedMap {
    const entries = [...here.entries].flatMap(([key, entry]) =>
      stays([...path, key]) ? [[key, { ...entry, value: copy(entry.value, [...path, key]) }] as const] : [],
    );
    return map(entries, here.at);
  }
  return copyMap(root, []);
}

function deepest(root: Located, path: Path): Located {
  for (let length = path.length; length > 0; length--) {
    const found = valueAt(root, path.slice(0, length));
    if (found) return found;
  }
  return root;
}

/** `services[0].check.interval` */
export function formatPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else text += text === '' ? step : `.${step}`;
  }
  return text;
}

/** `web.yaml:3:7`, or only the file where there are no lines. */
export function formatPlace(place: Place): string {
  return place.line === 0 ? place.file : `${place.file}:${place.line}:${place.column}`;
}
