import { expect, test } from 'vitest';
import { behindGap, countEvents, gapAt, passEvents } from '../../server/gaps.ts';

const gaps = [
  { from: 11, to: 20, reason: 'a' },
  { from: 31, to: 31, reason: 'b' },
];

test('numbers in a gap stand for no event', () => {
  expect([10, 11, 20, 21, 31, 32].map((offset) => gapAt(gaps, offset)?.reason)).toEqual([
    undefined,
    'a',
    'a',
    undefined,
    'b',
    undefined,
  ]);
  expect([10, 11, 20, 31].map((offset) => behindGap(gaps, offset))).toEqual([10, 21, 21, 32]);
});

test.each([
  [1, 40, 29],
  [15, 15, 0],
  [11, 21, 1],
  [5, 4, 0],
])('events from %d to %d: %d', (first, last, count) => {
  expect(countEvents(gaps, first, last)).toBe(count);
});

test.each([
  [1, 9, 10],
  [1, 10, 21],
  [1, 20, 32],
  [12, 1, 22],
])('behind %d come %d events: %d', (first, count, offset) => {
  expect(passEvents(gaps, first, count)).toBe(offset);
});
