import { expect, test } from 'vitest';
import { isUuid, makeUuid } from '../../proto/uuid.ts';
import { SeededRandom } from '../sim/random.ts';

test('a uuid of version 4, from the random alone', () => {
  const ids = Array.from({ length: 100 }, (_, seed) => makeUuid(new SeededRandom(seed)));
  for (const id of ids)
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(100);
  expect(makeUuid(new SeededRandom(1))).toBe(ids[1]);
});

test.each([
  ['00000000-0000-0000-0000-000000000001', true],
  ['ABCDEF01-2345-4678-9abc-def012345678', true],
  ['abcdef01-2345-4678-9abc-def01234567', false],
  ['{abcdef01-2345-4678-9abc-def012345678}', false],
  ['', false],
  [undefined, false],
])('a uuid or none: %s', (value, expected) => {
  expect(isUuid(value)).toBe(expected);
});
