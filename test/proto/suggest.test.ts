import { expect, test } from 'vitest';
import { suggest } from '../../proto/suggest.ts';

const keys = ['interval', 'timeout', 'tls_skip_verify', 'id'];

test('a misspelt key leads to the one that was meant', () => {
  expect(suggest('intervall', keys)).toBe('interval');
  expect(suggest('Timout', keys)).toBe('timeout');
  expect(suggest('tls_skipverify', keys)).toBe('tls_skip_verify');
  expect(suggest('prots', ['port', 'ports'])).toBe('ports');
  expect(suggest('itnerval', keys)).toBe('interval');
});

test('a foreign word leads nowhere', () => {
  expect(suggest('namespace', keys)).toBeUndefined();
  expect(suggest('xx', keys)).toBeUndefined();
  expect(suggest('interval'.repeat(1000), keys)).toBeUndefined();
});
