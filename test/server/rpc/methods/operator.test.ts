import { expect, test } from 'vitest';
import { TestCluster, type TestServer, until } from '../../cluster.ts';

const nobody = { id: '', address: '' };

async function three(seed: string): Promise<[TestCluster, TestServer, TestServer, TestServer]> {
  const cluster = new TestCluster(seed);
  const leader = await cluster.grow(3);
  const [first, second] = cluster.servers.filter((server) => server !== leader) as [TestServer, TestServer];
  return [cluster, leader, first, second];
}

test('the servers are listed alike at each of them, and with stale also when nobody leads', async () => {
  const [cluster, leader, first, second] = await three('list');
  await cluster.settle(1_000);
  const { servers } = await until(cluster, first.rpc.call('server.list', { stale: false }));
  expect(servers.map((server) => server.node).sort()).toEqual(['s1', 's2', 's3']);
  expect(servers.filter((server) => server.leader).map((server) => server.id)).toEqual([leader.id]);
  expect(servers.every((server) => server.voter && server.address.endsWith(':8300'))).toBe(true);
  leader.crash();
  second.crash();
  await cluster.settle(3_000);
  const failing = until(cluster, first.rpc.call('server.list', { stale: false }));
  await expect(failing).rejects.toMatchObject({ code: 'NO_LEADER' });
  const stale = await until(cluster, first.rpc.call('server.list', { stale: true }));
  expect(stale.servers).toHaveLength(3);
  expect(stale.servers.some((server) => server.leader)).toBe(false);
});

test('a server is removed by its address, asked of any server; what would lose the quorum is refused', async () => {
  const [cluster, leader, first, second] = await three('remove');
  second.crash();
  cluster.meet();
  await cluster.settle(2_000);
  const health = await until(cluster, first.rpc.call('server.health', {}));
  expect(health.failureTolerance).toBe(0);
  expect(health.servers.find((server) => server.id === second.id)).toMatchObject({
    healthy: false,
    state: 'failed',
  });
  const risky = until(cluster, first.rpc.call('server.remove', { ...nobody, id: first.id }));
  await expect(risky).rejects.toMatchObject({ code: 'QUORUM' });
  const stranger = until(cluster, first.rpc.call('server.remove', { ...nobody, address: '10.9.9.9:8300' }));
  await expect(stranger).rejects.toMatchObject({
    message: 'address "10.9.9.9:8300" was not found in the Raft configuration',
  });
  await until(cluster, first.rpc.call('server.remove', { ...nobody, address: `${second.name}:8300` }));
  expect(leader.raft!.membership.voters).toEqual([leader.id, first.id].sort());
});

test('a learner that has caught up votes at once when somebody says so; a silent one does not', async () => {
  const [cluster, leader, first] = await three('promote');
  const late = cluster.add();
  await late.start();
  cluster.meet();
  await cluster.settle(3_000);
  expect(leader.raft!.membership.learners).toEqual([late.id]);
  await until(cluster, first.rpc.call('server.promote', { ...nobody, id: late.id }));
  expect(leader.raft!.membership.voters).toContain(late.id);
  const silent = cluster.add();
  await silent.start();
  cluster.meet();
  await cluster.settle(3_000);
  silent.crash();
  await cluster.settle(2_000);
  const promoting = until(cluster, first.rpc.call('server.promote', { ...nobody, id: silent.id }));
  await expect(promoting).rejects.toMatchObject({ code: 'BUSY' });
});

test('a server that was removed stays removed though it runs on, until somebody takes it in again', async () => {
  const [cluster, leader, first, second] = await three('barred');
  await cluster.settle(2_000);
  await until(cluster, first.rpc.call('server.remove', { ...nobody, id: second.id }));
  const again = until(cluster, first.rpc.call('server.remove', { ...nobody, id: second.id }));
  await expect(again).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await cluster.settle(30_000);
  const removed = { voters: [leader.id, first.id].sort(), learners: [] };
  expect(leader.raft!.membership).toMatchObject(removed);
  leader.crash();
  await leader.start();
  cluster.meet();
  const next = await cluster.leader();
  await cluster.settle(10_000);
  expect(next.raft!.membership).toMatchObject(removed);
  const admitted = until(cluster, first.rpc.call('server.promote', { ...nobody, id: second.id }));
  await expect(admitted).rejects.toMatchObject({
    code: 'BUSY',
    message: expect.stringContaining('may join again'),
  });
  await cluster.settle(30_000);
  expect((await cluster.leader()).raft!.membership.voters).toContain(second.id);
});

test('a removal that is refused bars nobody', async () => {
  const [cluster, leader, first, second] = await three('refused');
  await cluster.settle(2_000);
  second.crash();
  cluster.meet();
  await cluster.settle(2_000);
  const risky = until(cluster, first.rpc.call('server.remove', { ...nobody, id: first.id }));
  await expect(risky).rejects.toMatchObject({ code: 'QUORUM' });
  expect(leader.consensus.fsm.state.barred.size).toBe(0);
});
