/**
 * When too few servers are left to agree on anything: one of them goes on alone, and the others are forgotten.
 *
 * The log gets one more entry, a membership of this server alone, and all of it moves to a new cluster id: an old server
 * that comes back can say nothing here any more. Entries of which nobody knows whether they were committed stay; what
 * only the lost servers had is lost. The log id of the events stays, since their numbers go on here.
 *
 *     copy of raft/ ──▶ new raft/ beside it, durable ──▶ meta.json: new cluster, "recovering" ──▶ swap ──▶ done
 *
 * A crash before the mark changes nothing; after it, the next recovery finishes the swap, and a start is refused until then.
 */
import { assert } from '../proto/assert.ts';
import { ExpectedError } from '../proto/errors.ts';
import type { Disk } from '../proto/ports.ts';
import type { Entry, HardState, ServerId } from '../proto/raft.ts';
import type { ClusterSeed } from '../proto/rpc.ts';
import { firstMembership } from './consensus.ts';
import { Fsm } from './fsm/fsm.ts';
import { encodeMembership } from './raft/membership.ts';
import { RaftStorage } from './raft-storage.ts';
import type { ServerFolder } from './server-ports.ts';
import { Snapshots } from './snapshots.ts';
import { loadState } from './snapshotter.ts';

/** What a stopped server's disk holds. */
export interface Survey {
  readonly nodeId: ServerId;
  readonly clusterId: string;
  /** This server and those that would be forgotten. */
  readonly servers: ReadonlyArray<{ readonly id: ServerId; readonly name: string; readonly voter: boolean }>;
  readonly hardState: HardState;
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** Entries behind the newest that is known to be committed: they are kept. */
  readonly uncertain: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly nodes: number;
}

/** In `meta.json`: how far the exchange of the logs has come. */
const recoveringKey = 'recovering';

const seedKey = 'seed';
/** A snapshot is taken long before the entries behind it are too many for the memory. */
const entriesBytesAtOnce = 8 * 1024 * 1024;

/** Opens everything on the given disk: a copy, when nothing may change. Rejects with BAD_REQUEST where there is no server. */
export async function survey(folder: ServerFolder, disk: Disk): Promise<Survey> {
  const { seed, storage, snapshots } = await open(folder, disk);
  try {
    const { nodeId } = folder.meta;
    const { fsm } = await replay(seed, storage, snapshots);
    const { hardState } = storage;
    const { state } = fsm;
    const lastIndex = storage.lastIndex();
    return {
      nodeId,
      clusterId: seed.clusterId,
      servers: [...state.servers].map(([id, { voter }]) => ({
        id,
        name: state.catalog.nodeById(id)?.name ?? id,
        voter,
      })),
      hardState,
      lastIndex,
      lastTerm: storage.term(lastIndex) ?? 0,
      uncertain: lastIndex - Math.max(hardState.commit, storage.snapshot()?.index ?? 0),
      firstOffset: state.events.first,
      lastOffset: state.events.last,
      nodes: state.catalog.nodes().length,
    };
  } finally {
    await storage.close();
  }
}

/** Makes this server the only one of a cluster with a new id. The old log is kept beside the new one, see `beforeOf`. */
export async function recover(folder: ServerFolder, disk: Disk, clusterId: string): Promise<void> {
  if (!isRecovering(folder)) await prepare(folder, disk, clusterId);
  await swap(folder, disk);
}

/** A recovery was cut off: the log is not to be believed until it has been finished. */
export function isRecovering(folder: ServerFolder): boolean {
  return typeof folder.meta[recoveringKey] === 'string';
}

/** Where the log of the lost cluster is kept. */
export function beforeOf(folder: ServerFolder): string {
  return `${folder.part('raft')}.before-recovery`;
}

async function prepare(folder: ServerFolder, disk: Disk, clusterId: string): Promise<void> {
  const { seed, storage, snapshots } = await open(folder, disk);
  const { nodeId } = folder.meta;
  try {
    const { fsm, entries } = await replay(seed, storage, snapshots);
    const { hardState } = storage;
    const term = hardState.term + 1;
    const address = fsm.state.servers.get(nodeId)?.address ?? '';
    const alone = { voters: [nodeId], outgoing: null, learners: [], addresses: { [nodeId]: address } };
    const data = encodeMembership(alone);
    const last: Entry = { index: storage.lastIndex() + 1, term, kind: 'membership', data };
    await removeAll(disk, asideOf(folder));
    await disk.makeFolder(asideOf(folder));
    const snapshot = snapshots.newest?.header.meta ?? null;
    const fresh = await RaftStorage.open(disk, asideOf(folder), { nodeId, clusterId }, { snapshot });
    const next = { term, vote: nodeId, commit: hardState.commit };
    await fresh.write([{ token: 1, cutFrom: null, entries: [...entries, last], hardState: next }]);
    await fresh.close();
    await disk.syncFolder(asideOf(folder));
  } finally {
    await storage.close();
  }
  const formerly = [...(seed.formerly ?? []), seed.clusterId];
  await folder.update({ clusterId, [seedKey]: { ...seed, clusterId, formerly }, [recoveringKey]: 'clear' });
}

/** The new log takes the place of the old one: first that is put away, then this moves in. Each half may be done again. */
async function swap(folder: ServerFolder, disk: Disk): Promise<void> {
  const raft = folder.part('raft');
  if (folder.meta[recoveringKey] === 'clear') {
    await disk.makeFolder(beforeOf(folder));
    await moveAll(disk, raft, beforeOf(folder));
    await folder.update({ [recoveringKey]: 'fill' });
  }
  await moveAll(disk, asideOf(folder), raft);
  await folder.update({ [recoveringKey]: null });
}

interface Opened {
  readonly seed: ClusterSeed;
  readonly storage: RaftStorage;
  readonly snapshots: Snapshots;
}

async function open(folder: ServerFolder, disk: Disk): Promise<Opened> {
  const { nodeId } = folder.meta;
  const seed = folder.meta[seedKey] as ClusterSeed | undefined;
  if (seed === undefined) {
    throw new ExpectedError('BAD_REQUEST', 'there is no server of any cluster in this folder');
  }
  const snapshots = await Snapshots.open(disk, folder.part('snapshots'));
  const snapshot = snapshots.newest?.header.meta ?? null;
  const ids = { nodeId, clusterId: seed.clusterId };
  const storage = await RaftStorage.open(disk, folder.part('raft'), ids, { snapshot });
  if (storage.damage === null) return { seed, storage, snapshots };
  const { file, reason } = storage.damage;
  await storage.close();
  const text = `the Raft log is damaged (${file}: ${reason}): recover another server, or restore a snapshot`;
  throw new ExpectedError('DISK_DAMAGED', text);
}

/** The state after the last entry that is here, and the entries behind the snapshot. */
async function replay(
  seed: ClusterSeed,
  storage: RaftStorage,
  snapshots: Snapshots,
): Promise<{ fsm: Fsm; entries: readonly Entry[] }> {
  const fsm = new Fsm({ logId: seed.logId, membership: firstMembership(seed) });
  if (snapshots.newest !== null) fsm.replace(await loadState(snapshots, snapshots.newest));
  const entries = await entriesFrom(storage, fsm.state.index + 1);
  for (const entry of entries) fsm.apply(entry);
  return { fsm, entries };
}

async function entriesFrom(storage: RaftStorage, first: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  const end = storage.lastIndex() + 1;
  for (let at = first; at < end; ) {
    const loaded = new Promise<void>((resolve, reject) => {
      storage.onLoaded = resolve;
      storage.onFault = reject;
    });
    const some = storage.slice(at, end, entriesBytesAtOnce);
    assert(some !== undefined, 'a sound log holds everything behind its snapshot');
    if (some === 'loading') {
      await loaded;
      continue;
    }
    entries.push(...some);
    at += some.length;
  }
  return entries;
}

function asideOf(folder: ServerFolder): string {
  return `${folder.part('raft')}.recovering`;
}

async function removeAll(disk: Disk, folder: string): Promise<void> {
  for (const name of await disk.list(folder)) await disk.remove(`${folder}/${name}`);
}

async function moveAll(disk: Disk, from: string, to: string): Promise<void> {
  for (const name of await disk.list(from)) await disk.rename(`${from}/${name}`, `${to}/${name}`);
  await disk.syncFolder(to);
  await disk.syncFolder(from);
}
