import { expect, test } from 'vitest';
import { assert } from '../../proto/assert.ts';

test('what does not hold is said, and only then is the text made', () => {
  let made = 0;
  const message = () => `number ${++made}`;
  assert(true, message);
  expect(made).toBe(0);
  expect(() => assert(false, message)).toThrow('invariant broken: number 1');
  expect(() => assert(null, 'there is one')).toThrow('invariant broken: there is one');
});
