import { expect, test } from 'vitest';
import { flagLayer } from '../../../agent/config/flags.ts';
import { placeOfValue, toPlain } from '../../../agent/config/located.ts';

test('a flag is a key of the file, placed at its own name', () => {
  const layer = flagLayer({ node: 'n', httpPort: 80, dnsPort: -1, join: ['a', 'b'], dev: true });
  expect(toPlain(layer)).toEqual({ node_name: 'n', ports: { http: 80, dns: -1 }, retry_join: ['a', 'b'] });
  expect(placeOfValue(layer, ['ports', 'http']).file).toBe('--http-port');
});

test('what was not given says nothing', () => {
  expect(toPlain(flagLayer({}))).toEqual({});
});
