import { beforeEach, expect, test } from 'vitest';
import { ExpectedError } from '../../proto/errors.ts';
import type { SnapshotMeta } from '../../proto/raft.ts';
import type { Rpc } from '../../proto/rpc.ts';
import type { Fsm } from '../../server/fsm/fsm.ts';
import { Snapshots } from '../../server/snapshots.ts';
import { Snapshotter } from '../../server/snapshotter.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';
import { silent } from './fakes.ts';
import { membershipOf, Story } from './story.ts';

const membership = { index: 0, membership: membershipOf(['id-s1']) };

let deeds: string[];

beforeEach(() => {
  deeds = [];
});

/** A snapshotter with a disk of its own, and everything around it noting what it is asked to do. */
async function make(fsm: Fsm, from?: Snapshotter, limits = {}) {
  const disk = new SimDisk({ random: new SeededRandom('snapshotter') });
  const snapshots = await Snapshots.open(disk, '/snapshots');
  const note = (deed: string) => async () => {
    deeds.push(deed);
  };
  const call = async (_method: string, params: { meta: SnapshotMeta; position: number }) => {
    if (from === undefined) throw new ExpectedError('CONNECTION_LOST');
    return from.serve(params, 'id-s2');
  };
  const snapshotter = new Snapshotter(
    {
      snapshots,
      log: {
        compactTo: async (meta) => void deeds.push(`compact to ${meta.index}`),
        installSnapshot: note('replace the log'),
      },
      events: {
        flushed: note('events on disk'),
        moveTo: async ({ last }) => void deeds.push(`events go on at ${last}`),
      },
      fsm,
      logger: silent,
      origin: { clusterId: 'cluster', nodeId: 'node' },
      rpc: () => ({ call }) as unknown as Rpc,
    },
    membership,
    limits,
  );
  snapshotter.attach({
    freeze: note('freeze'),
    installed: (meta) => void deeds.push(`installed ${meta.index}`),
    failed: () => void deeds.push('failed'),
    sent: (peer, ok) => void deeds.push(`sent to ${peer}: ${ok}`),
    halt: (error) => void deeds.push(`halt: ${String(error)}`),
  });
  return { snapshotter, snapshots };
}

/** Until this was done; a test in which it never is fails by what it expects. */
async function done(deed: string): Promise<void> {
  for (let turn = 0; !deeds.includes(deed) && turn < 1_000; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function told(): Story {
  const story = new Story();
  for (const node of ['web-1', 'web-2', 'web-3']) story.alive(node);
  return story;
}

test('taken when the log has grown: first the events, then the file, then the log may shrink', async () => {
  const { fsm } = told();
  const { snapshotter, snapshots } = await make(fsm, undefined, { entriesMax: 2 });
  const entry = { index: 3, term: 1, kind: 'noop' as const, data: new Uint8Array() };
  snapshotter.applied([entry]);
  expect(deeds).toEqual([]);
  snapshotter.applied([entry]);
  await snapshotter.stop();
  expect(deeds).toEqual(['events on disk', 'compact to 3']);
  expect(snapshots.newest?.header).toMatchObject({ lastOffset: 3, clusterId: 'cluster', meta: { index: 3 } });
});

test('pulled from the leader: the log is replaced while nothing moves, and the state with it', async () => {
  const leader = told();
  const source = await make(leader.fsm);
  source.snapshotter.take();
  await source.snapshotter.stop();
  deeds = [];
  const behind = new Story();
  const { snapshotter } = await make(behind.fsm, source.snapshotter);
  const { meta } = source.snapshots.newest!.header;
  snapshotter.fetch({ from: 'id-s1', meta });
  await done('installed 3');
  expect(deeds).toEqual(['events go on at 3', 'freeze', 'replace the log', 'installed 3']);
  expect(behind.fsm.state.catalog.names()).toEqual(['web-1', 'web-2', 'web-3']);
});

test('a server that stops gives the pulling up', async () => {
  const source = await make(told().fsm);
  source.snapshotter.take();
  await source.snapshotter.stop();
  deeds = [];
  const behind = new Story();
  const { snapshotter } = await make(behind.fsm, source.snapshotter);
  snapshotter.fetch({ from: 'id-s1', meta: source.snapshots.newest!.header.meta });
  await snapshotter.stop();
  expect(deeds).toEqual(['failed']);
  expect(behind.fsm.state.index).toBe(0);
});

test('a leader that is gone changes nothing', async () => {
  const behind = new Story();
  const { snapshotter, snapshots } = await make(behind.fsm);
  snapshotter.fetch({ from: 'id-s1', meta: { index: 3, term: 1, ...membershipMeta() } });
  await done('failed');
  expect(deeds).toEqual(['failed']);
  expect(snapshots.newest).toBeNull();
  expect(behind.fsm.state.index).toBe(0);
});

test('a snapshot that was replaced meanwhile is offered anew', async () => {
  const { snapshotter } = await make(told().fsm);
  const meta = { index: 1, term: 1, ...membershipMeta() };
  await expect(snapshotter.serve({ meta, position: 0 }, 'id-s2')).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  expect(deeds).toEqual(['sent to id-s2: false']);
});

function membershipMeta() {
  return { membership: membership.membership, membershipIndex: membership.index };
}
