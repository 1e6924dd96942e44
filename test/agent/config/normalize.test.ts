import { expect, test } from 'vitest';
import { fromPlain, type LocatedMap, placeOfValue, toPlain } from '../../../agent/config/located.ts';
import { normalized } from '../../../agent/config/normalize.ts';
import { formatProblem, Problems } from '../../../agent/config/problems.ts';

const known = new Set(['service', 'services', 'check', 'checks', 'ports']);

function normalize(value: object) {
  const problems = new Problems();
  const file = fromPlain(value, { file: 'f', line: 3, column: 1 }) as LocatedMap;
  const tree = normalized(file, known, problems);
  return { tree, plain: toPlain(tree), problems: problems.sorted([]).map(formatProblem) };
}

test('one service or check is a list of one, beside others', () => {
  const { tree, plain } = normalize({
    service: { name: 'web' },
    services: [{ name: 'db' }],
    check: [{ name: 'a' }, { name: 'b' }],
  });
  expect(plain).toEqual({
    services: [{ name: 'db' }, { name: 'web' }],
    checks: [{ name: 'a' }, { name: 'b' }],
  });
  expect(placeOfValue(tree, ['services', 1]).file).toBe('f');
});

test('a block that is written as a list of one map is that map, and lists that are lists stay', () => {
  const { plain } = normalize({
    ports: [{ http: 80 }],
    service: [
      {
        meta: [{ a: 'b' }],
        tagged_addresses: [{ lan: [{ address: 'x', port: 1 }] }],
        checks: [{ header: [{ A: ['b'] }] }],
        check: [{ name: 'c' }],
        tags: ['t'],
      },
    ],
  });
  expect(plain).toEqual({
    ports: { http: 80 },
    services: [
      {
        meta: { a: 'b' },
        tagged_addresses: { lan: { address: 'x', port: 1 } },
        checks: [{ header: { A: ['b'] } }],
        check: { name: 'c' },
        tags: ['t'],
      },
    ],
  });
});

test('null is "not given"', () => {
  expect(normalize({ ports: { http: null, dns: 1 }, checks: null }).plain).toEqual({ ports: { dns: 1 } });
});

test('keys at the top are known in any case; twice is twice', () => {
  expect(normalize({ Service: { Name: 'web' }, Foo: 1 }).plain).toEqual({
    services: [{ Name: 'web' }],
    Foo: 1,
  });
  expect(normalize({ Ports: { http: 1 }, ports: { http: 2 } }).problems).toEqual([
    'f:3:1: error: ports: duplicate key, set before in line 3',
  ]);
});
