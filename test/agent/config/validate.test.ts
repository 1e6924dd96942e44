import { expect, test } from 'vitest';
import { fromPlain, type LocatedMap, toPlain } from '../../../agent/config/located.ts';
import { formatProblem, Problems } from '../../../agent/config/problems.ts';
import { validateSettings } from '../../../agent/config/validate.ts';

function validate(value: object) {
  const problems = new Problems();
  const tree = fromPlain(value, { file: 'f', line: 0, column: 0 }) as LocatedMap;
  const right = toPlain(validateSettings(tree, problems));
  return {
    right,
    problems: problems.sorted([]).map((problem) => formatProblem(problem).slice('f: '.length)),
  };
}

test('what is right stays, so that later rules see it', () => {
  const { right, problems } = validate({
    server: 'yes',
    node_name: 'n',
    ports: { http: 'x', dns: 1 },
    foo: 1,
  });
  expect(right).toEqual({ node_name: 'n', ports: { dns: 1 } });
  expect(problems).toHaveLength(3);
});

test.each([
  [{ ports: { http: 1.5 } }, 'error: ports.http: must be a whole number, not a number'],
  [{ ports: 8500 }, 'error: ports: must be a map, not a number'],
  [{ ports: { serf_lan: -1 } }, 'error: ports.serf_lan: must be at least 0'],
  [{ retry_join: '10.0.0.1' }, 'error: retry_join: must be a list, not a string'],
  [
    { retry_join: ['10.0.0.1:x'] },
    'error: retry_join[0]: "10.0.0.1:x" is no HOST[:PORT]: the port must be a number from 1 to 65535, not "x"',
  ],
  [{ data_dir: '' }, 'error: data_dir: must not be empty'],
  [{ node_name: 'a b' }, 'error: node_name: must have 1 to 128 of A-Z a-z 0-9 . _ -'],
  [{ node_id: '7' }, 'error: node_id: must be a uuid'],
  [{ advertise_addr: '::' }, 'error: advertise_addr: must be an address that others can reach, not "::"'],
  [
    { client_addr: '127.0.0.1 foo' },
    'error: client_addr: must be IP addresses separated by spaces; "foo" is none',
  ],
  [
    { encrypt: 'abc' },
    'error: encrypt: must be 16, 24 or 32 bytes in base64 (`openssl rand -base64 32` makes one)',
  ],
  [{ log_level: 'loud' }, 'error: log_level: must be one of trace, debug, info, warn, error, not "loud"'],
  [
    { http_config: { response_headers: { 'X Y': '1' } } },
    'error: http_config.response_headers.X Y: is no name of a header',
  ],
  [
    { http_config: { response_headers: { 'X-Y': 'a\r\nSet-Cookie: b' } } },
    'error: http_config.response_headers.X-Y: holds a character that a header cannot have',
  ],
  [
    { templates: { web: { parameters: { port: { default: 80 } } } } },
    'error: templates.web.parameters.port: must be a text, a number, or true or false',
  ],
  [{ gossip_profile: 'moon' }, 'error: gossip_profile: must be one of lan, wan, local'],
  [{ gossip_lan: { probe_interval: '1ms' } }, 'error: gossip_lan.probe_interval: must be at least 100ms'],
  [{ gossip_lan: { gossip_nodes: 0 } }, 'error: gossip_lan.gossip_nodes: must be at least 1'],
  [{ gossip_wan: { gossip_nodes: 3 } }, 'warning: gossip_wan: a key of Consul that has no effect here'],
  [{ gossip_label: 'ä'.repeat(128) }, 'error: gossip_label: takes 256 bytes of at most 255'],
  [{ gossip_crash_detection: 'off' }, 'error: gossip_crash_detection: must be true or false, not a string'],
  [{ performance: { raft_multiplier: 11 } }, 'error: performance.raft_multiplier: must be at most 10'],
  [{ reconnect_timeout: '30s' }, 'error: reconnect_timeout: must be at least 1m'],
  [
    { node_meta: { 'consul-x': 'y' } },
    'error: node_meta.consul-x: keys that start with "consul-" are reserved',
  ],
  [{ services: { name: 'web' } }, 'error: services: must be a list, not a map'],
  [{ ports: { https: 8501 } }, 'warning: ports.https: a key of Consul that has no effect here'],
  [
    { performance: { rafft_multiplier: 1 } },
    'error: performance.rafft_multiplier: is not a known key (did you mean "raft_multiplier"?)',
  ],
])('%j', (value, words) => {
  expect(validate(value).problems).toEqual([words]);
});

test('what Consul takes is taken', () => {
  const value = {
    log_level: 'ERR',
    encrypt: 'pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=',
    retry_join: ['consul.domain.internal', '10.0.4.67', '[::1]:8301'],
    client_addr: '127.0.0.1 ::1',
    reconnect_timeout: '8h',
  };
  expect(validate(value)).toEqual({ right: value, problems: [] });
});
