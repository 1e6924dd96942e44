import { expect, test } from 'vitest';
import { fileKeys, keysAt } from '../../../agent/config/schema.ts';

test('the names that may stand in each block', () => {
  expect(keysAt([])).toContain('node_name');
  expect(keysAt(['ports'])).toEqual(['http', 'serf_lan', 'server', 'dns']);
  expect(keysAt(['node_meta'])).toBeUndefined();
  expect(keysAt(['retry_join', 0])).toBeUndefined();
});

test('every key has a sentence for the editor', () => {
  for (const [key, schema] of Object.entries(fileKeys.shape)) expect(schema.description, key).toMatch(/\.$/);
});
