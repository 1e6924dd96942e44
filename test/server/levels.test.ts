import { expect, test } from 'vitest';
import { TestCluster, type TestServer, until } from './cluster.ts';

const begin = { step: 'begin', id: 'r' } as const;

function level(server: TestServer): number {
  return server.consensus.fsm.state.level;
}

test('a command of a new level waits until the last server is updated; then all agree on it, and for good', async () => {
  const cluster = new TestCluster('levels');
  const servers = [cluster.add(), cluster.add(), cluster.add({ commandLevel: 1 })] as const;
  for (const server of servers) await server.start();
  cluster.meet();
  const leader = await cluster.leader();
  await cluster.settle(5_000);
  expect(servers.map(level)).toEqual([1, 1, 1]);
  const early = until(cluster, leader.rpc.call('snapshot.restore', begin));
  await expect(early).rejects.toMatchObject({ code: 'BUSY', message: expect.stringContaining('Update all') });

  const old = servers[2];
  await old.stop();
  Object.assign(old.config, { commandLevel: 2 });
  await cluster.settle(3_000);
  expect(level(servers[0])).toBe(1);
  await old.start();
  cluster.meet();
  await cluster.leader();
  await cluster.settle(5_000);
  expect(servers.map(level)).toEqual([2, 2, 2]);
  await until(cluster, servers[0].rpc.call('snapshot.restore', begin));
});

test('a learner that cannot apply what the cluster uses is not taken in', async () => {
  const cluster = new TestCluster('old learner');
  const leader = await cluster.grow(3);
  await cluster.settle(3_000);
  expect(level(leader)).toBe(2);
  const old = cluster.add({ commandLevel: 1 });
  await old.start();
  cluster.meet();
  await cluster.settle(5_000);
  expect(leader.raft!.membership).toMatchObject({ learners: [] });
  expect(old.server.clusterId).toBe('');
});
