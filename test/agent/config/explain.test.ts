import { expect, test } from 'vitest';
import { explain } from '../../../agent/config/explain.ts';
import { parseConfigText } from '../../../agent/config/parse.ts';
import { Problems } from '../../../agent/config/problems.ts';

test('values in the order of their keys, lists in their own, secrets hidden', () => {
  const text =
    'retry_join: [b, a]\nports: {http: 1}\nencrypt: k\ncheck:\n  header: {Authorization: [Bearer x]}\ntemplates: {a: {check: {name: a}}}\n';
  const tree = parseConfigText('a.yaml', text, new Problems())!;
  expect(explain(tree).filter(({ from }) => from.startsWith('a.yaml'))).toEqual([
    { key: 'check.header.Authorization[0]', value: '(hidden)', from: 'a.yaml:5:28' },
    { key: 'encrypt', value: '(hidden)', from: 'a.yaml:3:10' },
    { key: 'ports.http', value: 1, from: 'a.yaml:2:15' },
    { key: 'retry_join[0]', value: 'b', from: 'a.yaml:1:14' },
    { key: 'retry_join[1]', value: 'a', from: 'a.yaml:1:17' },
  ]);
});

test('what nobody said is told too, in its place', () => {
  const text = `checks:
  - {name: b, tcp: "x:1", interval: 5s}
  - {name: a, ttl: 5s}
services: [{name: web, check: {tcp: "x:1", interval: 5s, timeout: 1s}}]
ports: {http: 1}
`;
  const all = explain(parseConfigText('a.yaml', text, new Problems())!);
  const keys = all.map(({ key }) => key);
  const ofB = keys.filter((key) => key.startsWith('checks[0]')).map((key) => key.replace('checks[0].', ''));
  expect(ofB).toEqual([
    'failures_before_critical',
    'failures_before_warning',
    'interval',
    'name',
    'stale_after',
    'status',
    'success_before_passing',
    'tcp',
    'timeout',
  ]);
  expect(keys.indexOf('checks[1].name')).toBeGreaterThan(keys.indexOf('checks[0].timeout'));
  expect(all).toContainEqual({ key: 'checks[0].timeout', value: '10s', from: 'default' });
  expect(all.filter(({ key }) => key === 'services[0].check.timeout')).toMatchObject([{ value: '1s' }]);
  expect(all).toContainEqual({ key: 'encrypt', value: null, from: 'not set' });
  const ports = keys.filter((key) => key.startsWith('ports.'));
  expect(ports).toEqual(['ports.dns', 'ports.http', 'ports.serf_lan', 'ports.server']);
});
