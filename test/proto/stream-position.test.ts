import { expect, test } from 'vitest';
import { positionOf } from '../../proto/stream-position.ts';

test('gaps and positions move the place to go on from, and never back', () => {
  expect(positionOf({ Gap: { From: 1, To: 9, Reason: 'trimmed' } }, 0)).toBe(9);
  expect(positionOf({ Position: 12 }, 9)).toBe(12);
  expect(positionOf({ Position: 3 }, 9)).toBe(9);
  expect(positionOf({ Error: { Code: 'X', Message: '' } }, 9)).toBe(9);
});
