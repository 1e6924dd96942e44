/**
 * When too few servers are left to agree on anything: one of them goes on alone, and the others are forgotten.
 *
 * The log gets two more entries, and all of it moves to a new cluster id: an old server that comes back can say nothing
 * here any more. What only the lost servers had is lost; entries of which nobody knows whether they were committed stay.
 *
 *     … committed │ skip │ uncertain … │ membership of this server alone
 *
 * Listeners may have seen events that only the lost servers had. Their numbers are never given again: events go on behind
 * a gap, that is wider than any cluster writes while one of its servers is away, and the uncertain ones come behind it.
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
import { EventLog } from './event-log.ts';
import { encodeCommand } from './fsm/commands.ts';
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

const skipReason =
  'the servers were recovered without a quorum: what came here last may be lost; read the catalog anew';
/** Numbers that are left out: 10,000 events a second take three years to write so many. */
const skippedOffsets = 1_000_000_000_000;

/** Who belongs to the cluster when it goes on. */
export interface Survivors {
  /** Where the others will reach the survivor; '' as it was. */
  readonly address: string;
  /** Servers that are known to come: without a vote, until they hold the log. Node id → address. */
  readonly learners: Readonly<Record<ServerId, string>>;
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

/** Makes this server the only voter of a cluster with a new id. The old log is kept beside the new one, see `beforeOf`. */
export async function recover(
  folder: ServerFolder,
  disk: Disk,
  clusterId: string,
  survivors: Survivors = { address: '', learners: {} },
): Promise<void> {
  if (!isRecovering(folder)) await prepare(folder, disk, clusterId, survivors);
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

async function prepare(
  folder: ServerFolder,
  disk: Disk,
  clusterId: string,
  { address, learners }: Survivors,
): Promise<void> {
  const { seed, storage, snapshots } = await open(folder, disk);
  const { nodeId } = folder.meta;
  try {
    const seenOffset = await lastOffsetOf(folder, disk, seed, snapshots);
    const { fsm, entries, committed, offset, timeMs } = await replay(seed, storage, snapshots, seenOffset);
    const { hardState } = storage;
    const term = hardState.term + 1;
    const membership = {
      voters: [nodeId],
      outgoing: null,
      learners: Object.keys(learners).sort(),
      addresses: { ...learners, [nodeId]: address || (fsm.state.servers.get(nodeId)?.address ?? '') },
    };
    const skip = encodeCommand({
      timeMs,
      once: null,
      body: { kind: 'events.skip', v: 1, to: offset + skippedOffsets, reason: skipReason },
    });
    const certain = entries.filter(({ index }) => index <= committed);
    const uncertain = entries.filter(({ index }) => index > committed);
    const made: Entry[] = [
      ...certain,
      // Terms never fall along a log: the uncertain entries are this term's now.
      { index: committed + 1, term, kind: 'command', data: skip },
      ...uncertain.map((entry) => ({ ...entry, index: entry.index + 1, term })),
      { index: storage.lastIndex() + 2, term, kind: 'membership', data: encodeMembership(membership) },
    ];
    await removeAll(disk, asideOf(folder));
    await disk.makeFolder(asideOf(folder));
    const snapshot = snapshots.newest?.header.meta ?? null;
    const fresh = await RaftStorage.open(disk, asideOf(folder), { nodeId, clusterId }, { snapshot });
    const next = { term, vote: nodeId, commit: committed };
    await fresh.write([{ token: 1, cutFrom: null, entries: made, hardState: next }]);
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

interface Replayed {
  /** The state after the last entry that is here. */
  readonly fsm: Fsm;
  /** Those behind the snapshot. */
  readonly entries: readonly Entry[];
  /** Index of the last one that is known to be committed, with the last offset and the time after it. */
  readonly committed: number;
  readonly offset: number;
  readonly timeMs: number;
}

/** `seenOffset`: last event on this disk, of which each is of a committed entry. */
async function replay(
  seed: ClusterSeed,
  storage: RaftStorage,
  snapshots: Snapshots,
  seenOffset = 0,
): Promise<Replayed> {
  const fsm = new Fsm({ logId: seed.logId, membership: firstMembership(seed) });
  if (snapshots.newest !== null) fsm.replace(await loadState(snapshots, snapshots.newest));
  const entries = await entriesFrom(storage, fsm.state.index + 1);
  const { state } = fsm;
  const here = () => ({ committed: state.index, offset: state.events.last, timeMs: state.events.timeMs });
  let certain = here();
  for (const entry of entries) {
    const isCertain = entry.index <= storage.hardState.commit || state.events.last < seenOffset;
    fsm.apply(entry);
    if (isCertain) certain = here();
  }
  return { fsm, entries, ...certain };
}

async function lastOffsetOf(
  folder: ServerFolder,
  disk: Disk,
  seed: ClusterSeed,
  snapshots: Snapshots,
): Promise<number> {
  const header = snapshots.newest?.header;
  const place = { first: header?.firstOffset ?? 1, last: header?.lastOffset ?? 0, gaps: [] };
  const events = await EventLog.open(disk, folder.part('events'), {
    logId: header?.logId ?? seed.logId,
    ...place,
  });
  await events.close();
  return events.last;
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
