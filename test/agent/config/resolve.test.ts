import { expect, test } from 'vitest';
import { defaultLayer } from '../../../agent/config/defaults.ts';
import { fromPlain, type LocatedMap } from '../../../agent/config/located.ts';
import { mergeLayers } from '../../../agent/config/merge.ts';
import { resolveConfig } from '../../../agent/config/resolve.ts';

function resolve(value: object, dev = false) {
  const least = { node_name: 'n', advertise_addr: '10.0.0.5', data_dir: 'state' };
  const layer = fromPlain({ ...least, ...value }, { file: 'f', line: 0, column: 0 }) as LocatedMap;
  const options = { dev, folder: '/srv', configPaths: ['a'] };
  return resolveConfig(mergeLayers([defaultLayer(), layer]), { checks: [], services: [] }, options);
}

test('words become numbers of milliseconds, absolute paths and lists', () => {
  expect(
    resolve({
      retry_interval: '1m30s',
      event_log: { max_age: '24h' },
      client_addr: ' localhost  ::1 127.0.0.1',
      datacenter: 'DC1',
      log_level: 'Warn',
    }),
  ).toMatchObject({
    retryIntervalMs: 90_000,
    eventsKeptMs: 86_400_000,
    clientHosts: ['127.0.0.1', '::1'],
    datacenter: 'dc1',
    logLevel: 'warn',
    dataDir: '/srv/state',
    configPaths: ['a'],
  });
});

test('headers of all answers, as a page of another origin needs them', () => {
  const response_headers = { 'Access-Control-Allow-Origin': '*', 'X-Team': 'shop' };
  expect(resolve({ http_config: { response_headers } }).responseHeaders).toEqual(response_headers);
  expect(resolve({}).responseHeaders).toEqual({});
});

test('addresses.http stands in for client_addr', () => {
  expect(resolve({ client_addr: '0.0.0.0', addresses: { http: '127.0.0.1' } }).clientHosts).toEqual([
    '127.0.0.1',
  ]);
});

test('nothing is kept on disk in --dev', () => {
  expect(resolve({}, true).dataDir).toBeNull();
});

test('nobody changes a configuration that others already read', () => {
  const config = resolve({ retry_join: ['a'] });
  expect(() => (config.retryJoin as string[]).push('b')).toThrow(TypeError);
  expect(() => Object.assign(config.ports, { http: 1 })).toThrow(TypeError);
});

test('a tree that has not passed the schema is a bug', () => {
  expect(() => resolve({ server: 'yes' })).toThrow(
    'invariant broken: the configuration has no usable server',
  );
});
