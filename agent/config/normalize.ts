/**
 * One file → the form in which files are merged. Consul reads HCL and JSON through one door, which leaves traces in
 * files that were made for it: a block may be a list of one, keys may be in capitals, null means "not given". All of
 * that ends here, and `check` and `service` become lists.
 */
import {
  type Located,
  type LocatedEntry,
  type LocatedMap,
  list,
  map,
  type Path,
  type Place,
} from './located.ts';
import type { Problems } from './problems.ts';

/** Keys of blocks: a list that holds one map under such a key is that map. Those below them are blocks too. */
const blocks = new Set([
  'addresses',
  'check',
  'header',
  'http_config',
  'meta',
  'node_meta',
  'performance',
  'ports',
  'response_headers',
  'service',
  'tls',
  'tagged_addresses',
  'taggedaddresses',
  'weights',
]);
const plurals: ReadonlyArray<readonly [singular: string, plural: string]> = [
  ['check', 'checks'],
  ['service', 'services'],
];

/** `known` are the keys that may stand at the top; others keep their spelling for the message. */
export function normalized(file: LocatedMap, known: ReadonlySet<string>, problems: Problems): LocatedMap {
  return gathered(unwrapped(withoutNulls(lowered(file, known, problems))));
}

/** `Service` is `service`: at the top Consul compares keys without regard to case. */
function lowered(file: LocatedMap, known: ReadonlySet<string>, problems: Problems): LocatedMap {
  const entries = new Map<string, LocatedEntry>();
  for (const [key, entry] of file.entries) {
    const name = known.has(key.toLowerCase()) ? key.toLowerCase() : key;
    const first = entries.get(name);
    if (first) problems.error(entry.keyAt, [key], `duplicate key, set before in line ${first.keyAt.line}`);
    else entries.set(name, entry);
  }
  return map(entries, file.at);
}

function withoutNulls(tree: LocatedMap): LocatedMap {
  const kept: [string, LocatedEntry][] = [];
  for (const [key, entry] of tree.entries) {
    if (entry.value.kind === 'scalar' && entry.value.value === null) continue;
    const value = entry.value.kind === 'map' ? withoutNulls(entry.value) : entry.value;
    kept.push([key, { ...entry, value }]);
  }
  return map(kept, tree.at);
}

function unwrapped(file: LocatedMap): LocatedMap {
  function visitMap(tree: LocatedMap, inBlock: boolean): LocatedMap {
    return map(
      [...tree.entries].map(([key, entry]) => {
        const isBlock = inBlock || blocks.has(key.toLowerCase());
        return [key, { ...entry, value: visit(isBlock ? single(entry.value) : entry.value, key) }] as const;
      }),
      tree.at,
    );
  }
  function visit(value: Located, key: string): Located {
    // What lies below `lan` of tagged_addresses is a block as well; a service's or check's own keys are looked up.
    if (value.kind === 'map') return visitMap(value, /^tagged_?addresses$/i.test(key));
    if (value.kind !== 'list') return value;
    return list(
      value.items.map((item) => visit(item, key)),
      value.at,
    );
  }
  return visitMap(file, false);
}

function single(value: Located): Located {
  if (value.kind !== 'list' || value.items.length !== 1) return value;
  const [only] = value.items;
  return only!.kind === 'map' ? only! : value;
}

/** One `check` is a list of one; a list of them is taken as well. Each remembers how its file names it. */
function gathered(file: LocatedMap): LocatedMap {
  const entries = new Map(file.entries);
  for (const [singular, plural] of plurals) {
    const one = entries.get(singular);
    const many = entries.get(plural);
    if (many?.value.kind === 'list') {
      entries.set(plural, { ...many, value: list(named(many.value.items, plural), many.value.at) });
    }
    if (!one) continue;
    entries.delete(singular);
    if (many && many.value.kind !== 'list') continue;
    const before = many?.value.kind === 'list' ? named(many.value.items, plural) : [];
    const added =
      one.value.kind === 'list' ? named(one.value.items, singular) : [withPath(one.value, [singular])];
    const at: Place = many?.value.at ?? one.value.at;
    entries.set(plural, { keyAt: many?.keyAt ?? one.keyAt, value: list([...before, ...added], at) });
  }
  return map(entries, file.at);
}

function named(items: readonly Located[], key: string): readonly Located[] {
  return items.map((item, index) => withPath(item, [key, index]));
}

function withPath(located: Located, path: Path): Located {
  return { ...located, at: { ...located.at, path } };
}
