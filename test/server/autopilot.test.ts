import { expect, test } from 'vitest';
import { TestCluster, type TestServer, until } from './cluster.ts';

/** A server more than those that began, known to gossip. */
async function newcomer(cluster: TestCluster, expected = 3): Promise<TestServer> {
  const server = cluster.add({ expect: expected });
  await server.start();
  cluster.meet();
  return server;
}

function leave(cluster: TestCluster, who: TestServer, at: TestServer = who) {
  return until(cluster, at.rpc.call('server.leave', { nodeId: who.id }));
}

/** A few entries, and then a bad sector in the middle of them. */
async function damage(cluster: TestCluster, server: TestServer): Promise<void> {
  const host = { id: '', address: '10.1.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
  for (let i = 0; i < 20; i++) {
    const node = { name: `db-${i}`, ...host, skipUpdate: false };
    const body = { kind: 'catalog.register' as const, v: 1 as const, node, service: null, checks: [] };
    await until(cluster, server.rpc.call('catalog.write', { body, once: null }));
  }
  server.crash();
  const path = server.disk.paths().find((each) => each.includes('/raft/') && each.endsWith('.log'))!;
  server.disk.overwrite(path, 2_000, new Uint8Array(64).fill(0xa5));
}

test('a late server is taken in: a learner at first, a voter when it has been healthy for 10 s', async () => {
  const cluster = new TestCluster('late');
  const leader = await cluster.grow(3);
  const late = await newcomer(cluster);
  await cluster.settle(4_000);
  expect(late.server.clusterId).toBe(leader.server.clusterId);
  expect(leader.raft!.membership.learners).toEqual([late.id]);
  expect(late.consensus.fsm.state.index).toBe(leader.consensus.fsm.state.index);
  await cluster.settle(12_000);
  expect(leader.raft!.membership).toMatchObject({ learners: [], outgoing: null });
  expect(leader.raft!.membership.voters).toContain(late.id);
  const kinds = late.events.filter((event) => event.Kind.startsWith('server.'));
  expect(kinds.map((event) => event.Kind)).toEqual(['server.added']);
});

test('a newcomer takes the place of a voter that has been dead for a minute', async () => {
  const cluster = new TestCluster('replace');
  const leader = await cluster.grow(3);
  const dead = cluster.servers.find((server) => server !== leader)!;
  dead.crash();
  cluster.meet();
  await cluster.settle(61_000);
  expect(leader.raft!.membership.voters).toContain(dead.id);
  const late = await newcomer(cluster);
  await cluster.settle(20_000);
  const { voters } = leader.raft!.membership;
  expect(voters).toHaveLength(3);
  expect(voters).toContain(late.id);
  expect(voters).not.toContain(dead.id);
});

test('a voter that restarts stays a voter', async () => {
  const cluster = new TestCluster('restart');
  const leader = await cluster.grow(3);
  const other = cluster.servers.find((server) => server !== leader)!;
  await newcomer(cluster);
  other.crash();
  cluster.meet();
  await cluster.settle(20_000);
  await other.start();
  cluster.meet();
  await cluster.settle(5_000);
  expect(leader.raft!.membership.voters).toHaveLength(4);
  expect(other.raft!.leader).toBe(leader.id);
});

test('a server gives up its vote, also when it leads, and the others go on', async () => {
  const cluster = new TestCluster('leave');
  const leader = await cluster.grow(3);
  const others = cluster.servers.filter((server) => server !== leader);
  await until(cluster, leader.server.leave());
  const next = await cluster.leader(others);
  expect(next.raft!.membership.voters).toEqual(others.map((server) => server.id).sort());
  await cluster.settle(2_000);
  expect(next.events.at(-1)).toMatchObject({ Kind: 'leader.elected' });
  expect(next.events.map((event) => event.Kind)).toContain('server.removed');
});

test('a learner that is gone for a minute is forgotten', async () => {
  const cluster = new TestCluster('learner');
  const leader = await cluster.grow(3);
  const late = await newcomer(cluster);
  await cluster.settle(3_000);
  late.crash();
  cluster.meet();
  await cluster.settle(30_000);
  expect(leader.raft!.membership.learners).toEqual([late.id]);
  await cluster.settle(40_000);
  expect(leader.raft!.membership.learners).toEqual([]);
});

test('a change is over when somebody begins the next one before it was looked at again', async () => {
  const cluster = new TestCluster('one after the other');
  const leader = await cluster.grow(3);
  const { replica } = leader.consensus;
  const { voters, learners } = replica.status().membership;
  const goer = cluster.servers.find((server) => server !== leader)!;
  const left = leave(cluster, goer, leader);
  const isThrough = () => {
    const { membership } = replica.status();
    return membership.outgoing === null && !membership.voters.includes(goer.id);
  };
  for (let ms = 0; !isThrough() && ms < 5_000; ms++) await cluster.settle(1);
  expect(replica.changeMembership({ voters, learners, addresses: {} })).toMatchObject({
    index: expect.any(Number),
  });
  await left;
  expect(replica.status().membership.voters).toContain(goer.id);
});

test('a leave that would lose the quorum is refused with the reason', async () => {
  const cluster = new TestCluster('quorum');
  const leader = await cluster.grow(3);
  const [first, second] = cluster.servers.filter((server) => server !== leader) as [TestServer, TestServer];
  first.crash();
  cluster.meet();
  await cluster.settle(2_000);
  await expect(leave(cluster, second)).rejects.toMatchObject({
    code: 'QUORUM',
    message: 'the quorum would be lost: of the 2 voters left only 1 would be healthy, 2 are needed',
  });
  await expect(leave(cluster, leader)).rejects.toMatchObject({ code: 'QUORUM' });
  await leave(cluster, first, leader);
  expect(leader.raft!.membership.voters).toEqual([leader.id, second.id].sort());
});

test('the last voter cannot leave, and a stranger has nothing to leave', async () => {
  const cluster = new TestCluster('last');
  const alone = await cluster.grow(1);
  await expect(leave(cluster, alone)).rejects.toMatchObject({ code: 'QUORUM' });
  const stranger = until(cluster, alone.rpc.call('server.leave', { nodeId: 'nobody' }));
  await expect(stranger).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a server whose address changed keeps its identity', async () => {
  const cluster = new TestCluster('address');
  const leader = await cluster.grow(3);
  const moved = cluster.servers.find((server) => server !== leader)!;
  const rpc = { host: moved.name, port: 9300 };
  for (const server of cluster.servers) server.gossip.hear(moved.name, { server: { rpc, expect: 3 } });
  await cluster.settle(3_000);
  expect(leader.raft!.membership.addresses[moved.id]).toBe(`${moved.name}:9300`);
  expect(leader.raft!.membership.voters).toHaveLength(3);
  expect(leader.consensus.fsm.state.catalog.service(moved.name, 'consul')?.port).toBe(9300);
});

test('leadership goes to whom an operator names', async () => {
  const cluster = new TestCluster('transfer');
  const leader = await cluster.grow(3);
  const heir = cluster.servers.find((server) => server !== leader)!;
  await until(cluster, heir.rpc.call('leader.transfer', { to: heir.id }));
  await cluster.settle(500);
  expect(heir.raft!.role).toBe('leader');
  const nobody = until(cluster, heir.rpc.call('leader.transfer', { to: 'nobody' }));
  await expect(nobody).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a server with a damaged log has no say, is forgotten, filled anew, and votes again', async () => {
  const cluster = new TestCluster('damage');
  const leader = await cluster.grow(3);
  const hurt = cluster.servers.find((server) => server !== leader)!;
  await damage(cluster, hurt);
  await hurt.start();
  cluster.meet();
  expect(hurt.consensus.isDamaged).toBe(true);
  await cluster.settle(5_000);
  expect(leader.raft!.membership.voters).not.toContain(hurt.id);
  expect(hurt.consensus.isDamaged).toBe(false);
  await cluster.settle(15_000);
  expect(leader.raft!.membership.voters).toContain(hurt.id);
  expect(hurt.consensus.fsm.state.index).toBe(leader.consensus.fsm.state.index);
  expect(hurt.halted).toBeNull();
});

test('with the quorum at stake a damaged server is not forgotten', async () => {
  const cluster = new TestCluster('damage and loss');
  const leader = await cluster.grow(3);
  const [hurt, dead] = cluster.servers.filter((server) => server !== leader) as [TestServer, TestServer];
  await damage(cluster, hurt);
  dead.crash();
  await hurt.start();
  cluster.meet();
  await cluster.settle(20_000);
  expect(hurt.consensus.isDamaged).toBe(true);
  expect(hurt.raft!.leader).toBeNull();
  await dead.start();
  cluster.meet();
  await cluster.settle(20_000);
  expect(hurt.consensus.isDamaged).toBe(false);
  expect((await cluster.leader()).raft!.membership.voters).toContain(hurt.id);
});

test('a server that leaves while a newcomer is still being asked does not come back with it', async () => {
  const cluster = new TestCluster('stale');
  const leader = await cluster.grow(3);
  const leaving = cluster.servers.find((server) => server !== leader)!;
  const late = cluster.add({ expect: 3 });
  await late.start();
  const { calls } = late.handlers!;
  const answer = calls['bootstrap.status'];
  let asked = false;
  calls['bootstrap.status'] = async (params, peer) => {
    asked = true;
    await new Promise<void>((resolve) => cluster.clock.after(1_500, resolve));
    return answer(params, peer);
  };
  cluster.meet();
  while (!asked) await cluster.settle(10);
  await until(cluster, leaving.server.leave());
  leaving.crash();
  cluster.meet();
  await cluster.settle(5_000);
  const { voters, learners } = leader.raft!.membership;
  expect(learners).toEqual([late.id]);
  expect(voters).not.toContain(leaving.id);
});
