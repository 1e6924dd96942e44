import { expect, test } from 'vitest';
import { fromPlain, type LocatedMap, placeOfValue, toPlain } from '../../../agent/config/located.ts';
import { mergeLayers, withoutNulls } from '../../../agent/config/merge.ts';

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

test('one service in each of two files makes two services', () => {
  const merged = mergeLayers([
    layer('a', { service: { name: 'web' }, check: { name: 'disk' } }),
    layer('b', { service: { name: 'db' }, services: [{ name: 'cache' }] }),
  ]);
  expect(toPlain(merged)).toEqual({
    services: [{ name: 'web' }, { name: 'cache' }, { name: 'db' }],
    checks: [{ name: 'disk' }],
  });
  expect(placeOfValue(merged, ['services', 2]).file).toBe('b');
});

test('a key that is set to nothing does not hide an earlier value', () => {
  const merged = mergeLayers([
    layer('a', { ports: { http: 1 } }),
    withoutNulls(layer('b', { ports: { http: null } })),
  ]);
  expect(toPlain(merged)).toEqual({ ports: { http: 1 } });
});
