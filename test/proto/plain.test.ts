import { expect, test } from 'vitest';
import { isOneOf, isRecord, isText, isWhole } from '../../proto/plain.ts';

test.each([
  [{}, true],
  [{ a: 1 }, true],
  [null, false],
  [[], false],
  ['text', false],
  [undefined, false],
])('a map: %j', (value, expected) => {
  expect(isRecord(value)).toBe(expected);
});

test.each([
  ['', 0, true],
  ['', 1, false],
  ['abc', 1, true],
  ['abcd', 1, false],
  [3, 0, false],
  [undefined, 0, false],
])('a text of %j, at least %d and at most 3 long', (value, min, expected) => {
  expect(isText(value, min, 3)).toBe(expected);
});

test.each([
  [0, true],
  [10, true],
  [11, false],
  [-1, false],
  [1.5, false],
  ['1', false],
  [Number.NaN, false],
  [Number.POSITIVE_INFINITY, false],
])('a whole number from 0 to 10: %j', (value, expected) => {
  expect(isWhole(value, 0, 10)).toBe(expected);
});

test('a number that is not exact is none', () => {
  expect(isWhole(Number.MAX_SAFE_INTEGER, 0)).toBe(true);
  expect(isWhole(2 ** 53, 0)).toBe(false);
});

test('one of some words', () => {
  expect(isOneOf('b', ['a', 'b'])).toBe(true);
  expect(isOneOf('c', ['a', 'b'])).toBe(false);
  expect(isOneOf(undefined, ['a', 'b'])).toBe(false);
});
