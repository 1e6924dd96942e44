import { expect, test } from 'vitest';
import type { SnapshotMeta } from '../../proto/raft.ts';
import { StateBuilder, type StateRecord, viewState } from '../../server/fsm/snapshot.ts';
import { emptyState } from '../../server/fsm/state.ts';
import { SnapshotStore } from '../../server/snapshot-store.ts';
import { Snapshots } from '../../server/snapshots.ts';
import type { SnapshotStore as SnapshotterStore } from '../../server/snapshotter.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

const meta: SnapshotMeta = {
  index: 40,
  term: 2,
  membership: { voters: ['a'], outgoing: null, learners: [], addresses: {} },
  membershipIndex: 1,
};

async function newStore(): Promise<{ store: SnapshotStore; snapshots: Snapshots }> {
  const snapshots = await Snapshots.open(
    new SimDisk({ random: new SeededRandom('store') }),
    '/data/snapshots',
  );
  return { store: new SnapshotStore(snapshots, { clusterId: 'c', nodeId: 'a' }), snapshots };
}

function stateWithServers(count: number): StateRecord[] {
  const state = emptyState('log-1');
  state.index = 40;
  state.events.last = 17;
  for (let i = 0; i < count; i++)
    state.servers.set(`server-${i}`, { address: `10.0.0.1:${i}`, voter: i % 2 === 0 });
  return [...viewState(state).records];
}

async function all(records: AsyncIterable<StateRecord>): Promise<StateRecord[]> {
  const found: StateRecord[] = [];
  for await (const record of records) found.push(record);
  return found;
}

test.each([0, 1, 255, 256, 1000])('a state of %i rows comes back as it was', async (count) => {
  const { store, snapshots } = await newStore();
  const records = stateWithServers(count);
  await store.save(meta, records);
  expect(snapshots.newest?.header).toMatchObject({ meta, logId: 'log-1', firstOffset: 1, lastOffset: 17 });
  const loaded = await all(store.load(meta));
  expect(loaded).toEqual(records);
  const builder = new StateBuilder();
  for (const record of loaded) builder.add(record);
  expect(builder.finish().servers.size).toBe(count);
});

test('it goes to another server as bytes, in chunks', async () => {
  const from: SnapshotterStore = (await newStore()).store;
  const to: SnapshotterStore = (await newStore()).store;
  await from.save(meta, stateWithServers(30_000));
  const receiver = await to.receive(meta);
  let chunks = 0;
  for (let position = 0; ; chunks++) {
    const chunk = await from.read(meta, position);
    if (chunk!.bytes.length === 0) break;
    await receiver.write(chunk!.bytes);
    position += chunk!.bytes.length;
    expect(position).toBeLessThanOrEqual(chunk!.size);
  }
  await receiver.finish();
  expect(chunks).toBeGreaterThan(1);
  expect(await all(to.load(meta))).toHaveLength(30_001);
});

test('a snapshot that is not there is told', async () => {
  const { store } = await newStore();
  expect(await store.read(meta, 0)).toBeNull();
  await expect(all(store.load(meta))).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
