import { expect, test } from 'vitest';
import { consulKeysOf, isConsulKey } from '../../../agent/config/consul-keys.ts';
import { keysAt } from '../../../agent/config/schema.ts';

test('a key that we have is never one of those that have no effect', () => {
  for (const block of ['', 'ports', 'performance', 'addresses', 'tls', 'tls.defaults', 'tls.internal_rpc']) {
    for (const key of keysAt(block === '' ? [] : block.split('.'))!)
      expect(isConsulKey(block, key), key).toBe(false);
    expect(consulKeysOf(block).length).toBeGreaterThan(0);
  }
  expect(isConsulKey('', 'telemetry')).toBe(true);
  expect(isConsulKey('', 'https')).toBe(false);
  expect(isConsulKey('node_meta', 'x')).toBe(false);
});
