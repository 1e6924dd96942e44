import { expect, test } from 'vitest';
import { Exit, harmless } from '../../../agent/cli/io.ts';

test('control characters are shown as what they are: nothing good', () => {
  expect(harmless('a\tb\nc\u001b[31m\u0007\u009b')).toBe('a b c\ufffd[31m\ufffd\ufffd');
  expect(harmless('grün → ✓')).toBe('grün → ✓');
});

test('an exit carries its code and words', () => {
  expect(new Exit(2, 'why')).toMatchObject({ code: 2, message: 'why' });
  expect(new Exit(1).message).toBe('');
});
