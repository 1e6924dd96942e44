import { expect, test } from 'vitest';
import { digestOfRows } from '../../../../proto/rows-digest.ts';
import type { Rpc } from '../../../../proto/rpc.ts';
import type { OwnCheck, OwnService } from '../../../../proto/schema/catalog.ts';
import { localRpc } from '../../../../server/rpc/local.ts';
import { TestCluster, until } from '../../cluster.ts';

const identity = {
  ...{ node: 'web-1', nodeId: 'id-web-1', address: '10.0.0.9', datacenter: 'dc1' },
  ...{ taggedAddresses: { wan: '192.0.2.9', lan: '10.0.0.9' }, meta: { b: '2', a: '1' } },
};
const shop: OwnService = {
  ...{ id: 'shop', name: 'shop', tags: ['x'], address: '', port: 80, meta: {}, taggedAddresses: {} },
  ...{ weights: { passing: 1, warning: 1 }, enableTagOverride: false, kind: '' },
};
const door: OwnCheck = {
  ...{ id: 'door', name: 'door', notes: '', status: 'passing', output: 'old', serviceId: 'shop' },
  ...{ type: 'tcp', definition: {} },
};

async function story() {
  const cluster = new TestCluster('digest');
  const leader = await cluster.grow(3);
  for (const { gossip } of cluster.servers) gossip.hear('web-1', { id: identity.nodeId, host: '10.0.0.9' });
  const follower = cluster.servers.find((server) => server !== leader)!;
  const peer = { nodeId: identity.nodeId, node: 'web-1', kind: 'agent' as const, clusterId: '' };
  const rpc: Rpc = localRpc(follower.handlers!, peer, cluster.clock);
  const head = { journalId: 'j', revision: 3 };
  const compare = { identity, ...head, services: [shop], checks: [door] };
  await until(cluster, rpc.call('journal.compare', compare));
  const ask = async (
    who = identity,
    checks: readonly OwnCheck[] = [{ ...door, output: 'new' }],
    at = head,
  ): Promise<boolean> => {
    const digest = digestOfRows(who, [shop], checks);
    const { same } = await until(cluster, rpc.call('journal.digest', { identity: who, ...at, digest }));
    return same;
  };
  return { cluster, leader, ask };
}

test('the same rows are the same, whichever server is asked, and nothing is written', async () => {
  const { leader, ask } = await story();
  const { lastIndex } = leader.raft!;
  expect(await ask()).toBe(true);
  expect(leader.raft!.lastIndex).toBe(lastIndex);
});

test('another row, another address, another place in the journal: each is a difference', async () => {
  const { ask } = await story();
  expect(await ask(identity, [{ ...door, status: 'critical' }])).toBe(false);
  expect(await ask(identity, [])).toBe(false);
  expect(await ask({ ...identity, address: '10.0.0.8' })).toBe(false);
  expect(await ask(identity, undefined, { journalId: 'j', revision: 4 })).toBe(false);
  expect(await ask(identity, undefined, { journalId: 'other', revision: 3 })).toBe(false);
});

test('a row that somebody removed from the catalog is missed', async () => {
  const { cluster, leader, ask } = await story();
  const body = { kind: 'catalog.deregister', v: 1, node: 'web-1', serviceId: '', checkId: 'door' } as const;
  await until(cluster, leader.rpc.call('catalog.write', { body, once: null }));
  expect(await ask()).toBe(false);
});

test('nobody asks for another node', async () => {
  const { ask } = await story();
  await expect(ask({ ...identity, nodeId: 'id-other' })).rejects.toThrow('speaks for');
});
