import { expect, test } from 'vitest';
import { isCursorName, isCursorShare } from '../../../proto/schema/cursor-name.ts';

test('a name has 1 to 128 characters', () => {
  expect(['', 'a', 'x'.repeat(128), 'x'.repeat(129)].map(isCursorName)).toEqual([false, true, true, false]);
});

test.each([
  ['', true],
  ['1/1', true],
  ['3/4', true],
  ['9999/9999', true],
  ['5/4', false],
  ['0/4', false],
  ['1/0', false],
  ['1', false],
  ['01/4', false],
  ['1/10000', false],
])('a share or none: "%s"', (text, expected) => {
  expect(isCursorShare(text)).toBe(expected);
});
