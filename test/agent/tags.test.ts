import { expect, test } from 'vitest';
import type { Member } from '../../agent/gossip/membership.ts';
import { isThere, ownTags, serverOf } from '../../agent/tags.ts';
import { encodeTags } from '../../proto/gossip/tags.ts';

const nodeId = '2b3907a7-c3a9-4fe3-a3a0-efccd427824d';

function member(tags: Readonly<Record<string, string>>, state: Member['state'] = 'alive'): Member {
  const address = { host: '10.0.0.7', port: 8301 };
  return { name: 'web-1', address, tags, state, incarnation: 1, sinceMs: 0, vsn: [1, 5, 2, 2, 5, 4] };
}

test('to a Consul cluster we look like a client, never like one of its servers', () => {
  const tags = ownTags({ nodeId, datacenter: 'dc1', server: { port: 8300, expect: 3 } });
  expect(tags).toMatchObject({ role: 'node', dc: 'dc1', segment: '', id: nodeId, vsn: '2', acls: '0' });
  expect(tags.build).toMatch(/^1\.8\.7:/);
  expect(tags.port).toBeUndefined();
});

test('a server is known by its own tags', () => {
  const tags = ownTags({ nodeId, datacenter: 'dc1', server: { port: 8300, expect: 3 } });
  expect(serverOf(member(tags))).toEqual({ rpc: { host: '10.0.0.7', port: 8300 }, expect: 3 });
});

test.each([
  ['a plain agent', ownTags({ nodeId, datacenter: 'dc1', server: null })],
  ['a Consul server', { role: 'consul', port: '8300', dc: 'dc1' }],
  ['a port that is none', { rc_port: '0' }],
  ['a port that is no number', { rc_port: 'rpc' }],
])('%s is no server of ours', (_, tags) => {
  expect(serverOf(member(tags))).toBeNull();
});

test('an expectation that is no number counts as none', () => {
  expect(serverOf(member({ rc_port: '8300', rc_expect: '-1' }))?.expect).toBe(0);
});

test('the tags of a server leave room in the 512 bytes of a member', () => {
  const tags = ownTags({
    nodeId,
    datacenter: 'a-datacenter-with-a-long-name',
    server: { port: 65_535, expect: 7 },
  });
  expect(encodeTags(new Map(Object.entries(tags))).length).toBeLessThan(300);
});

test('a suspect is innocent until its time is up', () => {
  const states = ['alive', 'suspect', 'failed', 'leaving', 'left'] as const;
  expect(states.filter((state) => isThere(member({}, state)))).toEqual(['alive', 'suspect']);
});
