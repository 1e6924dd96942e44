import { expect, test } from 'vitest';
import { deepFreeze } from '../../../agent/config/freeze.ts';

test('all of it is frozen, however deep', () => {
  const config = deepFreeze({ checks: [{ name: 'web', tags: ['a'] }], none: null });
  expect(() => Object.assign(config.checks[0]!, { name: 'other' })).toThrow(TypeError);
  expect(() => config.checks[0]!.tags.push('b')).toThrow(TypeError);
});
