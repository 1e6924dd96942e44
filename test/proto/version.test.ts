import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { programVersion } from '../../proto/version.ts';

test('the program calls itself what its package says', () => {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  expect(programVersion).toBe(JSON.parse(text).version);
});
