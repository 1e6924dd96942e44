import { expect, test } from 'vitest';
import {
  formatPath,
  formatPlace,
  fromPlain,
  type LocatedMap,
  placeOfKey,
  toPlain,
  valueAt,
  without,
} from '../../../agent/config/located.ts';

const at = { file: 'a.yaml', line: 1, column: 2 };
const tree = fromPlain({ ports: { http: 1, dns: 2 }, retry_join: ['a', 'b'] }, at) as LocatedMap;

test('a plain value survives the way there and back', () => {
  expect(toPlain(tree)).toEqual({ ports: { http: 1, dns: 2 }, retry_join: ['a', 'b'] });
  expect(toPlain(valueAt(tree, ['retry_join', 1])!)).toBe('b');
  expect(valueAt(tree, ['ports', 'http', 'x'])).toBeUndefined();
  expect(valueAt(tree, ['nothing'])).toBeUndefined();
});

test('without some paths the rest stays', () => {
  expect(toPlain(without(tree, [['ports', 'http'], ['retry_join', 0], ['nothing']]))).toEqual({
    ports: { dns: 2 },
    retry_join: ['b'],
  });
  expect(toPlain(without(tree, [['ports']]))).toEqual({ retry_join: ['a', 'b'] });
});

test('paths and places as people read them', () => {
  expect(formatPath(['services', 0, 'check', 'interval'])).toBe('services[0].check.interval');
  expect(formatPath([])).toBe('');
  expect(formatPlace(at)).toBe('a.yaml:1:2');
  expect(formatPlace({ file: '--bind', line: 0, column: 0 })).toBe('--bind');
  expect(placeOfKey(tree, ['retry_join', 1])).toEqual(at);
});
