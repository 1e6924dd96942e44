/**
 * Several layers (defaults, files, flags) → one tree, as Consul does it: a later scalar wins, lists are put one
 * behind the other, blocks are merged key by key. `check` and `service` of every file go to the end of `checks`
 * and `services`, so two files with one service each make two services.
 */
import { type Located, type LocatedEntry, type LocatedMap, list, map } from './located.ts';

const plurals: ReadonlyArray<readonly [string, string]> = [
  ['check', 'checks'],
  ['service', 'services'],
];

/** Later layers win. */
export function mergeLayers(layers: readonly LocatedMap[]): LocatedMap {
  return layers.map(gathered).reduce(mergeMaps);
}

/** The file without keys that are set to nothing: they count as not given, as in Consul. */
export function withoutNulls(tree: LocatedMap): LocatedMap {
  const kept: [string, LocatedEntry][] = [];
  for (const [key, entry] of tree.entries) {
    if (entry.value.kind === 'scalar' && entry.value.value === null) continue;
    const value = entry.value.kind === 'map' ? withoutNulls(entry.value) : entry.value;
    kept.push([key, { ...entry, value }]);
  }
  return map(kept, tree.at);
}

/** One `check` is a list of one. */
function gathered(layer: LocatedMap): LocatedMap {
  const entries = new Map(layer.entries);
  for (const [singular, plural] of plurals) {
    const one = entries.get(singular);
    if (!one) continue;
    entries.delete(singular);
    const many = entries.get(plural);
    const items = many?.value.kind === 'list' ? many.value.items : [];
    const at = many?.value.at ?? one.value.at;
    entries.set(plural, { keyAt: many?.keyAt ?? one.keyAt, value: list([...items, one.value], at) });
  }
  return map(entries, layer.at);
}

function mergeMaps(earlier: LocatedMap, later: LocatedMap): LocatedMap {
  const entries = new Map(earlier.entries);
  for (const [key, entry] of later.entries) {
    const before = entries.get(key);
    entries.set(key, before ? { keyAt: entry.keyAt, value: mergeValues(before.value, entry.value) } : entry);
  }
  return map(entries, later.at);
}

function mergeValues(earlier: Located, later: Located): Located {
  if (earlier.kind === 'map' && later.kind === 'map') return mergeMaps(earlier, later);
  if (earlier.kind === 'list' && later.kind === 'list') {
    return list([...earlier.items, ...later.items], later.at);
  }
  return later;
}
