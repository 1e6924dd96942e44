import { expect, test } from 'vitest';
import { someNames } from '../../proto/names.ts';

test('five names are shown, more are counted', () => {
  expect(someNames([])).toBe('');
  expect(someNames(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c, d, e');
  expect(someNames(['a', 'b', 'c', 'd', 'e', 'f', 'g'])).toBe('a, b, c, d, e and 2 more');
});
