import { expect, test } from 'vitest';
import { MemoryDisk } from '../../agent/host/memory-disk.ts';
import type { Disk } from '../../proto/ports.ts';
import { DataFolder } from '../../proto/store/layout.ts';
import { beforeOf, isRecovering, recover, survey } from '../../server/recover.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SeededRandom } from '../sim/random.ts';
import { TestCluster, type TestServer, until } from './cluster.ts';

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
  const disk = new MemoryDisk();
  for (const path of server.disk.paths()) {
    await (await disk.open(path, { create: true })).write(0, server.disk.content(path)!);
  }
  const open = (over: Disk = disk) =>
    DataFolder.open('/data', { disk: over, random: cluster.random, clock: cluster.clock });
  return { disk, server, open };
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
    lastIndex: before.lastIndex + 1,
    lastTerm: before.hardState.term + 1,
    nodes: 8,
  });
  // The others are told of as removed.
  expect(after.lastOffset).toBe(before.lastOffset + 2);
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
    expect(after).toMatchObject({ clusterId: newId, lastIndex: before.lastIndex + 1, nodes: 8 });
  }
  expect(finished).toBe(true);
  expect(marked).toBeGreaterThan(2);
});

test('a folder without a server has nothing to recover', async () => {
  const disk = new MemoryDisk();
  const random = new SeededRandom('none');
  const folder = await DataFolder.open('/data', { disk, random, clock: new VirtualClock() });
  await expect(survey(folder, disk)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});
