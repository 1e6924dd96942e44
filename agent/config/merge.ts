/**
 * Several layers (defaults, files, flags) → one tree, as Consul does it: a later scalar wins, lists are put one behind
 * the other, blocks are merged key by key.
 */
import { type Located, type LocatedMap, list, map } from './located.ts';

/** Later layers win. */
export function mergeLayers(layers: readonly LocatedMap[]): LocatedMap {
  return layers.reduce(mergeMaps);
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
