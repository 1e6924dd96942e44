import { expect, test } from 'vitest';
import type { CommandBody } from '../../proto/schema/command.ts';
import { TestCluster, type TestServer, until } from './cluster.ts';
import { checkOf, identityOf, put, turned } from './story.ts';

function register(node: string, status = 'passing'): CommandBody {
  const host = { id: '', address: '10.1.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
  const check = { ...checkOf('up', { status }), node, serviceName: '', serviceTags: [] };
  return {
    kind: 'catalog.register',
    v: 1,
    node: { name: node, ...host, skipUpdate: false },
    service: null,
    checks: [check],
  };
}

function write(cluster: TestCluster, server: TestServer, body: CommandBody, key?: string) {
  const once = key === undefined ? null : { client: 'test', key };
  return until(cluster, server.rpc.call('catalog.write', { body, once }));
}

async function names(cluster: TestCluster, server: TestServer, mode: 'default' | 'consistent' | 'stale') {
  const params = { query: { of: 'nodes' as const }, mode, maxStaleMs: null };
  const answer = await until(cluster, server.rpc.call('catalog.query', params));
  return { names: answer.rows.nodes.map((row) => row.name), ...answer };
}

test('a server alone leads at once, and is in its own catalog with its goodbye and its return', async () => {
  const cluster = new TestCluster('alone');
  const server = await cluster.grow(1);
  expect(cluster.clock.nowMs()).toBeLessThan(1_000);
  await cluster.settle(1_000);
  expect(server.events.map((event) => event.Kind).sort()).toEqual(['leader.elected', 'node.joined']);
  expect((await names(cluster, server, 'consistent')).names).toEqual(['s1']);
  expect(server.consensus.fsm.state.catalog.service('s1', 'consul')?.port).toBe(8300);
});

test('three servers begin, agree, and answer the same at each of them', async () => {
  const cluster = new TestCluster('three');
  await cluster.grow(3);
  await write(cluster, cluster.servers[0]!, register('db'));
  await cluster.settle(1_000);
  const [a, b, c] = cluster.servers.map((server) => server.events);
  expect(a!.map((event) => event.Kind)).toContain('check.added');
  expect(b).toEqual(a);
  expect(c).toEqual(a);
  for (const server of cluster.servers) {
    const answer = await names(cluster, server, 'default');
    expect(answer.names).toEqual(['db', 's1', 's2', 's3']);
    expect(answer).toMatchObject({ knownLeader: true, lastContactMs: 0, offset: a!.length });
  }
});

test('a write finds the leader from any server; nobody leads: it is held, and then there is no leader', async () => {
  const cluster = new TestCluster('hold');
  const leader = await cluster.grow(3);
  const [first, second] = cluster.servers.filter((server) => server !== leader) as [TestServer, TestServer];
  await write(cluster, first, register('db'));
  await cluster.settle(500);
  leader.crash();
  second.crash();
  await cluster.settle(3_000);
  const beganMs = cluster.clock.nowMs();
  await expect(write(cluster, first, register('web'))).rejects.toMatchObject({ code: 'NO_LEADER' });
  expect(cluster.clock.nowMs() - beganMs).toBeGreaterThan(6_500);
  const stale = await names(cluster, first, 'stale');
  expect(stale.names).toContain('db');
  expect(stale.knownLeader).toBe(false);
  expect(stale.lastContactMs).toBeGreaterThan(9_000);
  await expect(names(cluster, first, 'consistent')).rejects.toMatchObject({ code: 'NO_LEADER' });
});

test('the leader crashes with a write under way: held at another server, it is done once', async () => {
  const cluster = new TestCluster('crash');
  const leader = await cluster.grow(3);
  const other = cluster.servers.find((server) => server !== leader)!;
  const writing = write(cluster, other, register('db', 'first'), 'key-1');
  await cluster.settle(1);
  leader.crash();
  const { offset } = await writing;
  const again = await write(cluster, other, register('db', 'first'), 'key-1');
  expect(again.offset).toBe(offset);
  await cluster.leader();
  const changes = other.events.filter((event) => event.Node === 'db' && event.Check === 'up');
  expect(changes.map((event) => event.To)).toEqual(['first']);
});

test('a leader that is cut off answers no consistent read, and its writes end as unknown or are refused', async () => {
  const cluster = new TestCluster('isolated');
  const leader = await cluster.grow(3);
  const others = cluster.servers.filter((server) => server !== leader);
  cluster.network.partition([[leader.name], others.map((server) => server.name)]);
  const writing = write(cluster, leader, register('lost')).catch((error: unknown) => error);
  await expect(names(cluster, leader, 'consistent')).rejects.toMatchObject({ code: 'NO_LEADER' });
  expect(await writing).toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  const next = await cluster.leader(others);
  await write(cluster, next, register('kept'));
  cluster.network.heal();
  await cluster.settle(3_000);
  expect(leader.events).toEqual(next.events);
  const { names: found } = await names(cluster, leader, 'consistent');
  expect(found).toContain('kept');
  expect(found).not.toContain('lost');
});

test('all servers lose their power at once and come back with everything that was acknowledged', async () => {
  const cluster = new TestCluster('power');
  await cluster.grow(3);
  for (let i = 0; i < 20; i++) await write(cluster, cluster.servers[i % 3]!, register(`db-${i}`));
  const before = (await names(cluster, cluster.servers[0]!, 'consistent')).names;
  for (const server of cluster.servers) server.crash();
  for (const server of cluster.servers) {
    server.events.length = 0;
    await server.start();
  }
  await cluster.leader();
  await cluster.settle(1_000);
  expect((await names(cluster, cluster.servers[0]!, 'consistent')).names).toEqual(before);
  const [a, b, c] = cluster.servers.map((server) => server.events);
  expect(b).toEqual(a);
  expect(c).toEqual(a);
  expect(a!.map((event) => event.Offset)).toEqual(a!.map((_, i) => i + 1));
});

test('a follower that was away for long is filled by a snapshot, and fetches the events it missed', async () => {
  const cluster = new TestCluster('snapshot');
  const consensus = { segmentBytes: 64 * 1024, trailingEntries: 5, snapshots: { entriesMax: 50 } };
  const leader = await cluster.grow(3, { consensus });
  const away = cluster.servers.find((server) => server !== leader)!;
  await write(cluster, leader, register('db-0'));
  await cluster.settle(500);
  away.crash();
  for (let i = 0; i < 200; i++) await write(cluster, leader, register('db-0', `status ${i}`));
  await away.start();
  await cluster.settle(5_000);
  expect(away.consensus.fsm.state.index).toBe(leader.consensus.fsm.state.index);
  expect(away.consensus.storage.snapshot()?.index).toBeGreaterThan(100);
  expect(away.consensus.events.missing).toBeNull();
  expect(away.consensus.events.first).toBe(1);
});

test('SIGTERM hands leadership over, gives up no vote, and the node is back when it starts again', async () => {
  const cluster = new TestCluster('stop');
  const leader = await cluster.grow(3);
  const term = leader.raft!.term;
  const beganMs = cluster.clock.nowMs();
  await leader.stop();
  const next = await cluster.leader();
  expect(cluster.clock.nowMs() - beganMs).toBeLessThan(500);
  expect(next.raft!.term).toBe(term + 1);
  expect(next.raft!.membership.voters).toHaveLength(3);
  await leader.start();
  await cluster.settle(3_000);
  expect(leader.raft!.leader).toBe(next.id);
});

test('journals reach the leader through any server, once, and by nobody else', async () => {
  const cluster = new TestCluster('journal');
  await cluster.grow(3);
  const web = { nodeId: 'id-web-1', node: 'web-1', kind: 'agent' as const, clusterId: '' };
  const records = [put(1, checkOf('http')), turned(2, 'http', 'critical')];
  const params = { identity: identityOf('web-1'), journalId: 'j', records };
  for (const server of cluster.servers) {
    const deliver = server.handlers!.calls['journal.deliver'];
    expect((await until(cluster, deliver(params, web))).revision).toBe(2);
    await expect(until(cluster, deliver(params, { ...web, nodeId: 'x' }))).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  }
  await cluster.settle(500);
  const events = cluster.servers[0]!.events.filter((event) => event.Node === 'web-1');
  expect(events.map((event) => event.Kind)).toEqual(['node.joined', 'check.added', 'check.changed']);
});

test('what is no command is refused before it reaches the log', async () => {
  const cluster = new TestCluster('garbage');
  const server = await cluster.grow(1);
  const send = (body: unknown) => write(cluster, server, body as CommandBody);
  await expect(send({ kind: 'leader.elected', v: 1 })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(send({ kind: 'node.failed', v: 1, node: 's1', life: 1, evidence: null })).rejects.toThrow(
    /not for others/,
  );
  await expect(send({ ...register('db'), v: 2 })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  const huge = register('db', 'x'.repeat(600_000));
  await expect(send(huge)).rejects.toMatchObject({ code: 'TOO_LARGE' });
});

test('a disk that fails takes the server out, and says so', async () => {
  const cluster = new TestCluster('disk');
  const leader = await cluster.grow(3);
  leader.disk.failures.push({ name: 'write', code: 'EIO' });
  await expect(write(cluster, leader, register('db'))).rejects.toMatchObject({
    code: /CANNOT_WRITE|OUTCOME_UNKNOWN/,
  });
  expect(leader.halted).toMatchObject({ code: 'CANNOT_WRITE' });
  const next = await cluster.leader(cluster.servers.filter((server) => server !== leader));
  await write(cluster, next, register('db'));
  await expect(write(cluster, leader, register('web'))).rejects.toMatchObject({ code: 'CANNOT_WRITE' });
});
