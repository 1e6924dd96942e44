import { expect, test } from 'vitest';
import { ExpectedError } from '../../../../proto/errors.ts';
import type { RpcStreams } from '../../../../proto/rpc.ts';
import { TestCluster, type TestServer, until } from '../../cluster.ts';

const filter = { kinds: [], nodes: [], services: [], checks: [], statuses: [], tags: [], expression: '' };

class Listener {
  readonly heard: number[] = [];
  readonly positions: number[] = [];
  failure: unknown = null;
  readonly #abort = new AbortController();

  constructor(server: TestServer, params: Partial<RpcStreams['events.read']['params']>) {
    void this.#run(server, { after: null, logId: '', filter, ...params });
  }

  stop(): void {
    this.#abort.abort();
  }

  async #run(server: TestServer, params: RpcStreams['events.read']['params']): Promise<void> {
    try {
      for await (const record of server.rpc.stream('events.read', params, { signal: this.#abort.signal })) {
        if ('Offset' in record) this.heard.push(record.Offset);
        if ('Position' in record) this.positions.push(record.Position);
      }
    } catch (error) {
      this.failure = error;
    }
  }
}

const agent = { nodeId: 'a', node: 'web-1', kind: 'agent', clusterId: '' } as const;

let written = 0;

async function write(cluster: TestCluster, server: TestServer, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const host = { id: '', address: '10.1.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
    const node = { name: `db-${written++}`, ...host, skipUpdate: false };
    const body = { kind: 'catalog.register' as const, v: 1 as const, node, service: null, checks: [] };
    await until(cluster, server.rpc.call('catalog.write', { body, once: null }));
  }
  await cluster.settle(200);
}

test('a listener hears the same at every server, and a wrong question is refused', async () => {
  const cluster = new TestCluster('listen');
  await cluster.grow(3);
  await cluster.settle(1_000);
  const listeners = cluster.servers.map((server) => new Listener(server, { after: 0 }));
  await write(cluster, cluster.servers[0]!, 5);
  const [first] = listeners;
  expect(first!.heard).toEqual(first!.heard.map((_, i) => i + 1));
  expect(first!.heard.length).toBeGreaterThan(8);
  for (const { heard } of listeners) expect(heard).toEqual(first!.heard);
  const wrong = [
    new Listener(cluster.servers[1]!, { after: 10_000 }),
    new Listener(cluster.servers[1]!, { after: -1 }),
    new Listener(cluster.servers[1]!, { filter: { ...filter, expression: 'Node = x' } }),
    new Listener(cluster.servers[1]!, { after: 1, logId: 'another' }),
    new Listener(cluster.servers[1]!, { cursor: { name: 'x'.repeat(1_000), share: '' } }),
  ];
  await cluster.settle(500);
  const codes = wrong.map(({ failure }) => (failure as { code?: string } | null)?.code);
  expect(codes).toEqual(['OFFSET_FUTURE', 'BAD_REQUEST', 'BAD_REQUEST', 'OFFSET_TRIMMED', 'BAD_REQUEST']);
});

test('many listeners at one server are no leak', async () => {
  const cluster = new TestCluster('many');
  await cluster.grow(1);
  await cluster.settle(1_000);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  const [server] = cluster.servers as [TestServer];
  const listeners = Array.from({ length: 20 }, () => new Listener(server, { after: 0 }));
  await cluster.settle(100);
  expect(listeners.every(({ heard }) => heard.length > 0)).toBe(true);
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});

test('what a leader says without asking the others is not the end of the log', async () => {
  const cluster = new TestCluster('restarted leader');
  const leader = await cluster.grow(3);
  await cluster.settle(1_000);
  const [behind, other] = cluster.servers.filter((server) => server !== leader) as [TestServer, TestServer];
  cluster.network.partition([[behind.name], [leader.name, other.name]]);
  await write(cluster, other, 3);
  const { last } = leader.consensus.events;
  expect(behind.consensus.events.last).toBeLessThan(last);
  expect(behind.raft!.leader).toBe(leader.id);
  // As one does that was just restarted, while others still take it for the leader.
  const { calls } = leader.handlers!;
  const { status } = calls;
  calls.status = async (params, peer) => ({ ...(await status(params, peer)), lastOffset: 1 });
  cluster.network.heal();
  const listener = new Listener(behind, { after: last });
  await write(cluster, other, 1);
  await cluster.settle(2_000);
  expect([listener.failure, listener.heard]).toEqual([null, [last + 1]]);
});

test('a server that has lost its leader lets go of those who can read elsewhere, and keeps its own readers', async () => {
  const cluster = new TestCluster('cut off');
  const leader = await cluster.grow(3);
  await cluster.settle(1_000);
  const [alone, other] = cluster.servers.filter((server) => server !== leader) as [TestServer, TestServer];
  const { last } = alone.consensus.events;
  const own = new Listener(alone, { after: last });
  const told: unknown[] = [];
  const afar = (async () => {
    const params = { after: last, logId: '', filter };
    const never = new AbortController().signal;
    const records = alone.handlers!.streams['events.read'](params, agent, never);
    for await (const record of records) told.push('Offset' in record ? record.Offset : record);
  })().catch((error: unknown) => told.push((error as ExpectedError).code));
  await write(cluster, other, 1);
  cluster.network.partition([[alone.name], [leader.name, other.name]]);
  await write(cluster, other, 1);
  await cluster.settle(5_000);
  expect(told).toEqual([last + 1]);
  await until(cluster, afar);
  expect(told).toEqual([last + 1, { Position: last + 1 }, 'NO_LEADER']);
  cluster.network.heal();
  await cluster.settle(5_000);
  expect([own.failure, own.heard]).toEqual([null, [last + 1, last + 2]]);
});

test('a reader that had gone before it was heard is let go at once', async () => {
  const cluster = new TestCluster('gone');
  const leader = await cluster.grow(1);
  await cluster.settle(1_000);
  const params = { after: null, logId: '', filter };
  const records = leader.handlers!.streams['events.read'](params, agent, AbortSignal.abort());
  const reading = (async () => {
    for await (const _ of records);
    return 'over';
  })();
  expect(await until(cluster, reading)).toBe('over');
  expect(cluster.clock.nowMs()).toBeLessThan(5_000);
});

test('a named reader goes on behind what it confirmed, at any server and under any leader', async () => {
  const cluster = new TestCluster('named');
  const leader = await cluster.grow(3);
  await cluster.settle(1_000);
  const [follower, other] = cluster.servers.filter((server) => server !== leader) as [TestServer, TestServer];
  const cursor = { name: 'pager', share: '' };
  const first = new Listener(follower, { cursor });
  await cluster.settle(100);
  const begin = leader.consensus.events.last;
  await write(cluster, follower, 4);
  expect(first.heard).toEqual([1, 2, 3, 4].map((n) => begin + n));
  await until(cluster, other.rpc.call('cursor.acknowledge', { ...cursor, offset: begin + 2 }));

  const waiting = new Listener(other, { cursor });
  await cluster.settle(5_000);
  expect(waiting.heard).toEqual([]);
  const { cursors } = await until(cluster, other.rpc.call('cursor.list', {}));
  expect(cursors).toEqual([{ ...cursor, offset: begin + 2, lag: 2, taken: true }]);
  first.stop();
  await cluster.settle(1_000);
  expect(waiting.heard.slice(0, 2)).toEqual([begin + 3, begin + 4]);

  leader.crash();
  await cluster.leader();
  await cluster.settle(1_000);
  const again = new Listener(follower, { cursor });
  await cluster.settle(1_000);
  expect(again.heard.slice(0, 2)).toEqual([begin + 3, begin + 4]);
  await until(cluster, follower.rpc.call('cursor.remove', { name: 'pager' }));
  expect((await until(cluster, follower.rpc.call('cursor.list', {}))).cursors).toEqual([]);
});

test('a name begins where its first reader said, also when that one confirmed nothing', async () => {
  const cluster = new TestCluster('abandoned');
  const leader = await cluster.grow(1);
  await cluster.settle(1_000);
  await write(cluster, leader, 3);
  const cursor = { name: 'pager', share: '' };
  const first = new Listener(leader, { cursor, after: 1 });
  await cluster.settle(100);
  const seen = first.heard;
  expect(seen[0]).toBe(2);
  first.stop();
  await cluster.settle(1_000);
  const next = new Listener(leader, { cursor });
  await cluster.settle(100);
  expect(next.heard).toEqual(seen);
});

test('since when, asked at any server', async () => {
  const cluster = new TestCluster('past');
  await cluster.grow(3);
  await cluster.settle(1_000);
  const query = { node: 's2', check: '', sinceMs: 0 };
  const answer = await until(cluster, cluster.servers[2]!.rpc.call('events.history', query));
  expect(answer.spans).toMatchObject([{ status: 'alive', toMs: null }]);
  expect(answer).toMatchObject({ truncated: false, offset: cluster.servers[2]!.consensus.events.last });
});

test('a leader that is none any more hands out nothing under a name, and keeps the name for nobody', async () => {
  const cluster = new TestCluster('former');
  const leader = await cluster.grow(3);
  await cluster.settle(1_000);
  const { replica } = leader.consensus;
  replica.readBarrier = () => Promise.reject(new ExpectedError('NOT_LEADER'));
  const cursor = { name: 'pager', share: '' };
  const refused = new Listener(leader, { cursor });
  await cluster.settle(100);
  expect(refused.failure).toMatchObject({ code: 'NOT_LEADER' });
  Reflect.deleteProperty(replica, 'readBarrier');
  const next = new Listener(leader, { cursor });
  await cluster.settle(100);
  await write(cluster, leader, 1);
  expect(next.heard).toHaveLength(1);
});
