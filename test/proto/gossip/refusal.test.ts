import { expect, test } from 'vitest';
import { catchRefusal, Refusal } from '../../../proto/gossip/refusal.ts';

test('a refusal becomes a name, a result stays a result', () => {
  expect(catchRefusal(() => 7)).toEqual({ message: 7 });
  expect(
    catchRefusal(() => {
      throw new Refusal('bomb');
    }),
  ).toEqual({ refused: 'bomb' });
});

test('a bug is not taken for bad input', () => {
  expect(() =>
    catchRefusal(() => {
      throw new TypeError('bug');
    }),
  ).toThrow('bug');
});
