import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { encode } from '../../../../proto/codec.ts';
import type { CommandBody } from '../../../../proto/schema/command.ts';
import { SnapshotReader } from '../../../../proto/store/snapshot-file.ts';
import { StateBuilder } from '../../../../server/fsm/snapshot.ts';
import { TestCluster, type TestServer, until } from '../../cluster.ts';

function external(name: string): CommandBody {
  const node = { name, id: '', address: '10.0.0.9', datacenter: 'dc1', taggedAddresses: null, meta: null };
  return { kind: 'catalog.register', v: 1, node: { ...node, skipUpdate: false }, service: null, checks: [] };
}

async function write(cluster: TestCluster, at: TestServer, body: CommandBody): Promise<void> {
  await until(cluster, at.rpc.call('catalog.write', { body, once: null }));
}

/** The pieces of what a server saves. */
async function savedAt(cluster: TestCluster, server: TestServer, stale = false): Promise<Uint8Array[]> {
  const collect = async () => {
    const parts: Uint8Array[] = [];
    let about: { size: number; sha256: string } | undefined;
    for await (const item of server.rpc.stream('snapshot.save', { stale })) {
      if ('bytes' in item) parts.push(item.bytes);
      else about = item;
    }
    return { about: about!, bytes: Buffer.concat(parts) };
  };
  const { about, bytes } = await until(cluster, collect());
  expect([bytes.length, createHash('sha256').update(bytes).digest('hex')]).toEqual([
    about.size,
    about.sha256,
  ]);
  const { reader } = await SnapshotReader.from({
    read: async (position, length) => bytes.subarray(position, position + length),
    size: async () => bytes.length,
    close: async () => {},
  });
  const pieces: Uint8Array[] = [];
  for (let piece = await reader.next(); piece; piece = await reader.next()) pieces.push(piece);
  return pieces;
}

test('any server saves what the leader has; with stale its own, also when nobody leads', async () => {
  const cluster = new TestCluster('save');
  const leader = await cluster.grow(3);
  await write(cluster, leader, external('db-1'));
  const follower = cluster.servers.find((server) => server !== leader)!;
  const builder = new StateBuilder();
  for (const piece of await savedAt(cluster, follower)) builder.addPiece(piece);
  expect(builder.finish().catalog.node('db-1')).toBeDefined();
  for (const server of cluster.servers) if (server !== follower) server.crash();
  await cluster.settle(3_000);
  await expect(savedAt(cluster, follower)).rejects.toMatchObject({ code: 'NO_LEADER' });
  expect((await savedAt(cluster, follower, true)).length).toBeGreaterThan(0);
});

test('a restore goes on at the next leader, is whole on all servers, and is told as a gap', async () => {
  const cluster = new TestCluster('restore');
  const leader = await cluster.grow(3);
  await write(cluster, leader, external('db-1'));
  const pieces = await savedAt(cluster, leader);
  const again: CommandBody = { kind: 'catalog.deregister', v: 1, node: 'db-1', serviceId: '', checkId: '' };
  await write(cluster, leader, again);
  await write(cluster, leader, external('db-2'));
  const [follower, other] = cluster.servers.filter((server) => server !== leader) as [TestServer, TestServer];
  const step = (params: Parameters<typeof restoreAt>[1]) => until(cluster, restoreAt(follower, params));
  await step({ step: 'begin', id: 'r' });
  await step({ step: 'piece', id: 'r', number: 1, records: pieces[0]! });
  leader.crash();
  await cluster.leader([follower, other]);
  const { lastOffset } = await until(cluster, follower.rpc.call('status', {}));
  for (const [at, records] of pieces.slice(1).entries()) {
    await step({ step: 'piece', id: 'r', number: at + 2, records });
  }
  await step({ step: 'finish', id: 'r', pieces: pieces.length });
  await step({ step: 'finish', id: 'r', pieces: pieces.length });
  await leader.start();
  cluster.meet();
  await cluster.settle(5_000);
  const query = { query: { of: 'nodes' }, mode: 'stale', maxStaleMs: null } as const;
  for (const server of cluster.servers) {
    const { rows } = await until(cluster, server.rpc.call('catalog.query', query));
    expect(rows.nodes.filter(({ external: is }) => is).map(({ name }) => name)).toEqual(['db-1']);
  }
  const records: unknown[] = [];
  const abort = new AbortController();
  const listen = async () => {
    const params = { after: 0, logId: '', filter: everything };
    for await (const record of follower.rpc.stream('events.read', params, { signal: abort.signal })) {
      records.push(record);
    }
  };
  const listening = listen();
  await cluster.settle(1_000);
  abort.abort();
  await until(cluster, listening);
  const gaps = records.filter((record) => 'Gap' in (record as object));
  expect(gaps).toMatchObject([{ Gap: { Reason: expect.stringContaining('restored') } }]);
  const { Gap } = gaps[0] as { Gap: { From: number; To: number } };
  expect(Gap.From).toBe(Gap.To);
  expect(Gap.From).toBeGreaterThan(lastOffset);
});

test('a piece that no server could apply enters no log', async () => {
  const cluster = new TestCluster('bad pieces');
  const leader = await cluster.grow(1);
  const piece = (number: number, records: unknown) =>
    until(cluster, restoreAt(leader, { step: 'piece', id: 'r', number, records: encode(records) }));
  await until(cluster, restoreAt(leader, { step: 'begin', id: 'r' }));
  const pieces = await savedAt(cluster, leader);
  await expect(piece(1, 'nothing')).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  await expect(piece(1, [['node', {}, 1]])).rejects.toThrow('head is not the first');
  await expect(piece(2, [['unicorn', {}]])).rejects.toThrow('"unicorn" is unknown');
  await expect(piece(2, [['node', { name: 1 }, 1]])).rejects.toThrow(
    'piece 2 of the snapshot cannot be restored',
  );
  await expect(piece(2, [['__proto__', 1]])).rejects.toThrow('unknown');
  const first = { step: 'piece', id: 'r', number: 1, records: pieces[0]! } as const;
  await until(cluster, restoreAt(leader, first));
  await expect(until(cluster, restoreAt(leader, { ...first, id: 'other' }))).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
});

const everything = { kinds: [], nodes: [], services: [], checks: [], statuses: [], tags: [], expression: '' };

function restoreAt(server: TestServer, params: Parameters<TestServer['rpc']['call']>[1] & { step: string }) {
  return server.rpc.call('snapshot.restore', params as never);
}
