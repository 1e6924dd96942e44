import { expect, test } from 'vitest';
import { fromPlain, type LocatedMap, placeOfValue, toPlain } from '../../../agent/config/located.ts';
import { mergeLayers } from '../../../agent/config/merge.ts';

function layer(file: string, value: object): LocatedMap {
  return fromPlain(value, { file, line: 1, column: 1 }) as LocatedMap;
}

test('a later scalar wins, blocks are merged, lists are put one behind the other', () => {
  const merged = mergeLayers([
    layer('a', { node_name: 'a', ports: { http: 1, dns: 2 }, retry_join: ['x'] }),
    layer('b', { node_name: 'b', ports: { http: 3 }, retry_join: ['y', 'z'] }),
  ]);
  expect(toPlain(merged)).toEqual({
    node_name: 'b',
    ports: { http: 3, dns: 2 },
    retry_join: ['x', 'y', 'z'],
  });
  expect(placeOfValue(merged, ['ports', 'http']).file).toBe('b');
  expect(placeOfValue(merged, ['ports', 'dns']).file).toBe('a');
  expect(placeOfValue(merged, ['retry_join', 0]).file).toBe('a');
});
