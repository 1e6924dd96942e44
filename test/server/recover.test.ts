import { expect, test } from 'vitest';
import { MemoryDisk } from '../../agent/host/memory-disk.ts';
import type { Disk } from '../../proto/ports.ts';
import type { ClusterSeed } from '../../proto/rpc.ts';
import type { HealthEvent } from '../../proto/schema/event.ts';
import { DataFolder } from '../../proto/store/layout.ts';
import { Consensus } from '../../server/consensus.ts';
import { beforeOf, isRecovering, recover, survey } from '../../server/recover.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SeededRandom } from '../sim/random.ts';
import { TestCluster, type TestServer, until } from './cluster.ts';
import { silent } from './fakes.ts';

const newId = '11111111-2222-4333-8444-555555555555';

/** What is left of three servers with a few writes: the disk of one of them. */
async function lost(
  seed: string,
): Promise<{ disk: MemoryDisk; server: TestServer; open(over?: Disk): Promise<DataFolder> }> {
  const cluster = new TestCluster(seed);
  const server = await cluster.grow(3);
  const host = { id: '', address: '10.1.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
  for (let i = 0; i < 5; i++) {
    const node = { name: `db-${i}`, ...host, skipUpdate: false };
    const body = { kind: 'catalog.register' as const, v: 1 as const, node, service: null, checks: [] };
    await until(cluster, server.rpc.call('catalog.write', { body, once: null }));
  }
  await cluster.settle(1_000);
  const disk = await copyOf(server);
  const open = (over: Disk = disk) =>
    DataFolder.open('/data', { disk: over, random: cluster.random, clock: cluster.clock });
  return { disk, server, open };
}

async function copyOf(server: TestServer): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  for (const path of server.disk.paths()) {
    await (await disk.open(path, { create: true })).write(0, server.disk.content(path)!);
  }
  return disk;
}

test('a survey tells who would survive, what is there and what nobody knows', async () => {
  const { disk, server, open } = await lost('survey');
  const folder = await open();
  const found = await survey(folder, disk);
  expect(found.nodeId).toBe(server.id);
  expect(found.servers.map(({ name }) => name).sort()).toEqual(['s1', 's2', 's3']);
  expect(found).toMatchObject({ firstOffset: 1, lastOffset: server.events.length, nodes: 8 });
  expect(found.lastTerm).toBeLessThanOrEqual(found.hardState.term);
  expect(isRecovering(folder)).toBe(false);
});

test('the survivor is alone with everything it had, under a new id and in a new term; its old log is kept', async () => {
  const { disk, server, open } = await lost('alone');
  const folder = await open();
  const before = await survey(folder, disk);
  await recover(folder, disk, newId);
  const again = await open();
  const after = await survey(again, disk);
  expect(again.meta.clusterId).toBe(newId);
  expect(again.meta.seed).toMatchObject({ clusterId: newId, formerly: [before.clusterId] });
  expect(after.servers).toEqual([{ id: server.id, name: server.name, voter: true }]);
  expect(after).toMatchObject({
    lastIndex: before.lastIndex + 2,
    lastTerm: before.hardState.term + 1,
    nodes: 8,
  });
  // Behind the gap, the others are told of as removed.
  expect(after.lastOffset).toBe(before.lastOffset + 1_000_000_000_000 + 2);
  expect((await disk.list(beforeOf(folder))).some((name) => name.endsWith('.log'))).toBe(true);
});

/** Fails like a process that is killed at its n-th rename. */
function killedAt(disk: Disk, count: number): Disk {
  let left = count;
  return new Proxy(disk, {
    get(target, name) {
      const value = Reflect.get(target, name) as unknown;
      if (typeof value !== 'function') return value;
      if (name !== 'rename') return value.bind(target);
      return (...words: [string, string]) => {
        left -= 1;
        return left < 0 ? Promise.reject(new Error('killed')) : target.rename(...words);
      };
    },
  });
}

test('killed at any rename, the folder is as before or marked, and the next recovery finishes', async () => {
  let marked = 0;
  let finished = false;
  for (let kill = 0; !finished && kill < 20; kill++) {
    const { disk, open } = await lost(`kill ${kill}`);
    const before = await survey(await open(), disk);
    const breaking = killedAt(disk, kill);
    finished = await recover(await open(breaking), breaking, newId).then(
      () => true,
      () => false,
    );
    const again = await open();
    if (isRecovering(again)) marked++;
    else if (!finished) expect(again.meta.clusterId).toBe(before.clusterId);
    if (!finished) await recover(again, disk, newId);
    const after = await survey(await open(), disk);
    expect(after).toMatchObject({ clusterId: newId, lastIndex: before.lastIndex + 2, nodes: 8 });
  }
  expect(finished).toBe(true);
  expect(marked).toBeGreaterThan(2);
});

test('numbers that the lost servers gave are not given again; what nobody was sure of comes behind the gap', async () => {
  const cluster = new TestCluster('behind');
  const leader = await cluster.grow(3);
  const register = (name: string) => {
    const node = { name, id: '', address: '10.1.0.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
    const body = {
      kind: 'catalog.register',
      v: 1,
      node: { ...node, skipUpdate: false },
      service: null,
    } as const;
    return leader.rpc.call('catalog.write', { body: { ...body, checks: [] }, once: null });
  };
  await until(cluster, register('db-1'));
  await cluster.settle(500);
  for (const server of cluster.servers) if (server !== leader) server.crash();
  register('db-unsure').catch(() => {});
  await cluster.settle(200);
  const told = leader.consensus.events.last;
  const known = leader.raft!.commit;
  const disk = await copyOf(leader);
  const folder = await DataFolder.open('/data', { disk, random: cluster.random, clock: cluster.clock });
  expect((await survey(folder, disk)).lastIndex).toBeGreaterThan(known);
  const learner = 'feedfeed-0000-4000-8000-000000000001';
  const survivors = { address: '10.1.0.7:8300', learners: { [learner]: '10.1.0.8:8300' } };
  await recover(folder, disk, newId, survivors);

  const written: HealthEvent[] = [];
  const [raft, events, snapshots] = ['raft', 'events', 'snapshots'].map((part) => folder.part(part)) as [
    string,
    string,
    string,
  ];
  const consensus = await Consensus.open(folder.meta.seed as ClusterSeed, {
    id: leader.id,
    disk,
    folders: { raft, events, snapshots },
    clock: cluster.clock,
    random: cluster.random,
    logger: silent,
    send: () => {},
    rpc: () => leader.rpc,
    defer: queueMicrotask,
    onHalt: (error) => {
      throw error;
    },
    onApplied: (_entry, applied) => void written.push(...applied.events),
  });
  consensus.replica.start();
  await cluster.settle(1_000);
  expect(consensus.replica.status().membership).toEqual({
    voters: [leader.id],
    outgoing: null,
    learners: [learner],
    addresses: { [leader.id]: '10.1.0.7:8300', ...survivors.learners },
  });
  expect(consensus.fsm.state.catalog.names()).toContain('db-unsure');
  const gap = consensus.events.gapAt(told + 1)!;
  expect([gap.from, gap.to]).toEqual([told + 1, told + 1_000_000_000_000]);
  expect(written.find(({ Node }) => Node === 'db-unsure')?.Offset).toBeGreaterThan(gap.to);
  expect([consensus.events.first, consensus.events.missing]).toEqual([1, null]);
  await consensus.stop();
});

test('a folder without a server has nothing to recover', async () => {
  const disk = new MemoryDisk();
  const random = new SeededRandom('none');
  const folder = await DataFolder.open('/data', { disk, random, clock: new VirtualClock() });
  await expect(survey(folder, disk)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});
