import { expect, test } from 'vitest';
import type { LocatedMap } from '../../../agent/config/located.ts';
import { formatPath, fromPlain } from '../../../agent/config/located.ts';
import { checkDefaults, unsetKeys } from '../../../agent/config/unsaid.ts';

const tree = (value: object) => fromPlain(value, { file: 'f', line: 1, column: 1 }) as LocatedMap;

test('keys that stand nowhere, in their blocks as well', () => {
  const unset = unsetKeys(tree({ node_name: 'a', tls: { defaults: { ca_file: 'x' } }, checks: [] }));
  const keys = unset.map(({ path }) => formatPath(path));
  expect(keys).toEqual(
    expect.arrayContaining(['encrypt', 'data_dir', 'tls.defaults.key_file', 'ports.http']),
  );
  for (const said of [
    'node_name',
    'tls.defaults.ca_file',
    'checks',
    'services',
    'templates',
    'tls',
    'ports',
  ]) {
    expect(keys).not.toContain(said);
  }
});

test('timing of gossip is that of its profile', () => {
  const unset = unsetKeys(tree({ gossip_profile: 'wan', gossip_lan: { probe_interval: '9s' } }));
  const timing = unset.filter(({ path }) => path[0] === 'gossip_lan');
  expect(timing.map(({ path }) => path[1])).not.toContain('probe_interval');
  expect(timing).toContainEqual({
    path: ['gossip_lan', 'probe_timeout'],
    value: '3s',
    from: 'gossip_profile wan',
  });
});

test('a check: what its kind does when nothing is said, in any spelling', () => {
  const defaults = (check: object) => Object.fromEntries(checkDefaults(tree(check)));
  expect(defaults({ args: ['x'], interval: '5s', FailuresBeforeCritical: 3 })).toEqual({
    failures_before_warning: 3,
    stale_after: 3,
    status: 'pending',
    success_before_passing: 1,
    timeout: '30s',
  });
  expect(defaults({ ttl: '5s' }).timeout).toBeUndefined();
  expect(defaults({ ttl: 'soon' })).toEqual({});
});
