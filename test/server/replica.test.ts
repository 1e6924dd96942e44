import { expect, test } from 'vitest';
import type { CommandBody } from '../../proto/schema/command.ts';
import { TestCluster, type TestServer, until } from './cluster.ts';

const once = null;

function register(name: string): CommandBody {
  const host = { id: '', address: '10.1.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
  return {
    kind: 'catalog.register',
    v: 1,
    node: { name, ...host, skipUpdate: false },
    service: null,
    checks: [],
  };
}

function othersOf(cluster: TestCluster, leader: TestServer): [TestServer, TestServer] {
  return cluster.servers.filter((server) => server !== leader) as [TestServer, TestServer];
}

function isKnownTo(server: TestServer, node: string): boolean {
  return server.consensus.fsm.state.catalog.node(node) !== undefined;
}

test('an acknowledgement waits for the disk: two followers that cannot write commit nothing', async () => {
  const cluster = new TestCluster('followers hang');
  const leader = await cluster.grow(3);
  const [first, second] = othersOf(cluster, leader);
  first.disk.hang();
  second.disk.hang();
  let isDone = false;
  void leader.rpc.call('catalog.write', { body: register('db'), once }).then(() => {
    isDone = true;
  });
  await cluster.settle(500);
  expect(isDone).toBe(false);
  first.disk.release();
  await cluster.settle(50);
  expect(isDone).toBe(true);
  second.disk.release();
});

test('a leader may be slower than its followers: what they hold is committed without its own disk', async () => {
  const cluster = new TestCluster('leader hangs');
  const leader = await cluster.grow(3);
  leader.disk.hang();
  leader.rpc.call('catalog.write', { body: register('db'), once }).catch(() => {});
  await cluster.settle(400);
  const [first, second] = othersOf(cluster, leader);
  expect([isKnownTo(first, 'db'), isKnownTo(second, 'db'), isKnownTo(leader, 'db')]).toEqual([
    true,
    true,
    false,
  ]);
  leader.disk.release();
  await cluster.settle(400);
  expect(isKnownTo(leader, 'db')).toBe(true);
});

test('a leader whose disk hangs for an election timeout makes room for another', async () => {
  const cluster = new TestCluster('hang');
  const leader = await cluster.grow(3);
  leader.disk.hang();
  leader.rpc.call('catalog.write', { body: register('db'), once }).catch(() => {});
  await cluster.settle(5_000);
  expect(leader.raft!.role).not.toBe('leader');
  const others = othersOf(cluster, leader);
  const next = await cluster.leader(others);
  await until(cluster, next.rpc.call('catalog.write', { body: register('web'), once }));
});

test('a leader that was asleep answers no read from its lease, although it does not know yet', async () => {
  const cluster = new TestCluster('asleep');
  const leader = await cluster.grow(3);
  const others = othersOf(cluster, leader);
  leader.process.pause();
  await cluster.settle(4_000);
  const next = await cluster.leader(others);
  await until(cluster, next.rpc.call('catalog.write', { body: register('new'), once }));
  leader.process.resume();
  const query = { query: { of: 'nodes' as const }, mode: 'default' as const, maxStaleMs: null };
  const answer = await until(cluster, leader.rpc.call('catalog.query', query));
  expect(answer.rows.nodes.map((row) => row.name)).toContain('new');
});

test('many writes share few trips to the disk', async () => {
  const cluster = new TestCluster('batch');
  const leader = await cluster.grow(3);
  await cluster.settle(2_000);
  let trips = 0;
  leader.disk.onOperation = ({ name, path }) => {
    if (name === 'write' && path.includes('/raft/')) trips++;
  };
  const writes = Array.from({ length: 200 }, (_, i) =>
    leader.rpc.call('catalog.write', { body: register(`db-${i}`), once }),
  );
  await until(cluster, Promise.all(writes));
  expect(trips).toBeLessThan(10);
});

test('a leader that stepped down tells how old its word is: from about when nobody answered any more', async () => {
  const cluster = new TestCluster('contact');
  const leader = await cluster.grow(3);
  await cluster.settle(60_000);
  expect(leader.consensus.replica.lastContactMs).toBe(0);
  for (const other of othersOf(cluster, leader)) other.process.pause();
  await cluster.settle(10_000);
  expect(leader.raft!.role).not.toBe('leader');
  expect(leader.consensus.replica.lastContactMs).toBeGreaterThan(8_000);
  expect(leader.consensus.replica.lastContactMs).toBeLessThanOrEqual(12_000);
});

test('a large batch does not wait for the write before it', async () => {
  const cluster = new TestCluster('early');
  const leader = await cluster.grow(3, { consensus: { earlyBatch: 10 } });
  const write = (name: string) =>
    void leader.rpc.call('catalog.write', { body: register(name), once }).catch(() => {});
  leader.disk.hang();
  write('first');
  await cluster.settle(50);
  for (let i = 0; i < 25; i++) write(`db-${i}`);
  await cluster.settle(400);
  const known = Array.from({ length: 25 }, (_, i) => isKnownTo(othersOf(cluster, leader)[0], `db-${i}`));
  // The last five are no batch: they wait for the disk.
  expect(known).toEqual(Array.from({ length: 25 }, (_, i) => i < 20));
  leader.disk.release();
  await cluster.settle(400);
  expect(isKnownTo(leader, 'db-24')).toBe(true);
});

test('a snapshot waits until the events before it are on disk', async () => {
  const cluster = new TestCluster('snapshot order');
  const leader = await cluster.grow(1, { consensus: { snapshots: { entriesMax: 10 } } });
  const written: string[] = [];
  leader.disk.onOperation = ({ name, path }) => {
    if (name === 'write' && !path.includes('hint')) written.push(path.split('/')[2]!);
  };
  for (let i = 0; i < 12; i++) {
    await until(cluster, leader.rpc.call('catalog.write', { body: register(`db-${i}`), once }));
  }
  await cluster.settle(100);
  expect(leader.consensus.storage.snapshot()).toBeDefined();
  const snapshotAt = written.indexOf('snapshots');
  const { lastOffset } = leader.consensus.snapshots.newest!.header;
  expect(snapshotAt).toBeGreaterThan(0);
  expect(lastOffset).toBeLessThanOrEqual(leader.consensus.events.flushedOffset);
});

test('a command of a newer server halts this one, and nothing is lost', async () => {
  const cluster = new TestCluster('newer');
  const leader = await cluster.grow(1);
  const { replica } = leader.consensus;
  const newer = { kind: 'quota.set', v: 1 } as unknown as CommandBody;
  await expect(until(cluster, replica.propose(newer))).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN' });
  expect(leader.halted?.message).toMatch(/"quota.set" in version 1.*Update this server/);
  await expect(replica.propose(register('db'))).rejects.toMatchObject({ code: 'PROTOCOL' });
  leader.crash();
  await leader.start();
  await cluster.settle(1_000);
  expect(leader.halted?.message).toMatch(/Update this server/);
  expect(isKnownTo(leader, 's1')).toBe(true);
});
