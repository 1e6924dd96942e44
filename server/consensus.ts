/**
 * A server that is in a cluster: log, state machine, events and snapshots, opened in the order in which they need each
 * other, and the driver that moves them.
 *
 *     snapshot ──▶ Raft log (what the snapshot does not hold) ──▶ state machine ──▶ events ──▶ core ──▶ driver
 */
import { ExpectedError } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { Clock, Disk, Random } from '../proto/ports.ts';
import type { Entry, Membership, RaftMessage, ServerId } from '../proto/raft.ts';
import type { ClusterSeed, Rpc } from '../proto/rpc.ts';
import { cannotWrite } from '../proto/store/faults.ts';
import { EventLog } from './event-log.ts';
import { type Applied, Fsm } from './fsm/fsm.ts';
import { History } from './history.ts';
import { Raft, type RaftLimits } from './raft/raft.ts';
import { RaftStorage } from './raft-storage.ts';
import { Replica } from './replica.ts';
import { Snapshots } from './snapshots.ts';
import { loadState, type SnapshotLimits, Snapshotter } from './snapshotter.ts';

export interface ConsensusFolders {
  readonly raft: string;
  readonly events: string;
  readonly snapshots: string;
}

export interface ConsensusLimits {
  /** Length of a tick; `raft_multiplier` stretches it. Default 100. */
  readonly tickMs: number;
  /** See `ReplicaLimits`. */
  readonly earlyBatch: number;
  /** See `ReplicaLimits`. Default 1,000. */
  readonly appliedPerTurnMax: number;
  readonly raft: Partial<RaftLimits>;
  readonly snapshots: Partial<SnapshotLimits>;
  /** Entries that stay behind a snapshot. Default 10,240. */
  readonly trailingEntries: number;
  /** Size of the files of both logs. Default 16 and 8 MiB. */
  readonly segmentBytes: number;
}

export interface ConsensusPorts {
  readonly id: ServerId;
  readonly disk: Disk;
  readonly folders: ConsensusFolders;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  send(to: ServerId, messages: readonly RaftMessage[]): void;
  rpc(server: ServerId): Rpc;
  defer(run: () => void): void;
  onHalt(error: Error): void;
  /** See `ReplicaPorts`. */
  onApplied?(entry: Entry, applied: Applied, fsm: Fsm): void;
}

/** Committed entries that are applied in one turn of the event loop: some milliseconds. */
const applyBytesMax = 512 * 1024;
/** Half a minimum of an election timeout: see `RaftOptions.quietTicks`. */
const quietTicks = 10;

export class Consensus {
  readonly seed: ClusterSeed;
  readonly fsm: Fsm;
  readonly events: EventLog;
  readonly storage: RaftStorage;
  readonly snapshots: Snapshots;
  readonly snapshotter: Snapshotter;
  readonly replica: Replica;
  readonly history: History;

  private constructor(parts: Omit<Consensus, 'stop' | 'isDamaged'>) {
    this.seed = parts.seed;
    this.fsm = parts.fsm;
    this.events = parts.events;
    this.storage = parts.storage;
    this.snapshots = parts.snapshots;
    this.snapshotter = parts.snapshotter;
    this.replica = parts.replica;
    this.history = parts.history;
  }

  /** Rejects with CANNOT_WRITE, DISK_FOREIGN, DISK_DAMAGED, or PROTOCOL for what a newer server wrote. */
  static async open(
    seed: ClusterSeed,
    ports: ConsensusPorts,
    limits: Partial<ConsensusLimits> = {},
  ): Promise<Consensus> {
    const { id, disk, folders, clock, random, logger } = ports;
    const snapshots = await Snapshots.open(disk, folders.snapshots);
    const newest = snapshots.newest;
    const { trailingEntries, segmentBytes } = limits;
    const files = segmentBytes === undefined ? {} : { segmentBytes };
    const storage = await RaftStorage.open(
      disk,
      folders.raft,
      { nodeId: id, clusterId: seed.clusterId },
      {
        snapshot: newest?.header.meta ?? null,
        clock,
        ...files,
        ...(trailingEntries !== undefined && { trailingEntries }),
      },
    );
    const origin = firstMembership(seed);
    const fsm = new Fsm({ logId: seed.logId, membership: origin });
    if (newest !== null) fsm.replace(await loadState(snapshots, newest));
    const events = await EventLog.open(disk, folders.events, fsm.state.events, { clock, ...files });
    report(logger, storage, snapshots, events);
    const raft = new Raft({
      id,
      random,
      log: storage,
      hardState: storage.hardState,
      applied: fsm.state.index,
      membership: storage.membership?.membership ?? origin,
      membershipIndex: storage.membership?.index ?? 0,
      origin,
      limits: { applyBytesMax, ...limits.raft },
      mayVote: storage.damage === null,
      quietTicks: storage.hardState.term === 0 ? 0 : quietTicks,
    });
    const snapshotter = new Snapshotter(
      {
        snapshots,
        log: storage,
        events,
        fsm,
        logger,
        origin: { clusterId: seed.clusterId, nodeId: id },
        rpc: (server) => ports.rpc(server),
      },
      newest === null
        ? { index: 0, membership: origin }
        : { index: newest.header.meta.membershipIndex, membership: newest.header.meta.membership },
      limits.snapshots,
    );
    const replica = new Replica(
      {
        id,
        clock,
        raft,
        storage,
        fsm,
        events,
        snapshotter,
        send: (to, messages) => ports.send(to, messages),
        defer: (run) => ports.defer(run),
        onHalt: (error) => ports.onHalt(error),
        onApplied: (entry, applied) => ports.onApplied?.(entry, applied, fsm),
      },
      {
        ...(limits.tickMs !== undefined && { tickMs: limits.tickMs }),
        ...(limits.earlyBatch !== undefined && { earlyBatch: limits.earlyBatch }),
        ...(limits.appliedPerTurnMax !== undefined && { appliedPerTurnMax: limits.appliedPerTurnMax }),
      },
    );
    const history = new History({ source: events, clock, catalog: () => fsm.state.catalog });
    return new Consensus({ seed, fsm, events, storage, snapshots, snapshotter, replica, history });
  }

  /** It can be read and followed, and has no say, until it has been filled anew. */
  get isDamaged(): boolean {
    return this.storage.damage !== null;
  }

  /**
   * Removes log and snapshots of a stopped server that the others have forgotten. A crash on the way leaves less of a log,
   * which is no harm: nobody counts on it. The events stay, each of them was agreed on. Rejects with CANNOT_WRITE.
   */
  static async wipe(disk: Disk, folders: ConsensusFolders): Promise<void> {
    for (const folder of [folders.raft, folders.snapshots]) {
      try {
        for (const name of await disk.list(folder)) await disk.remove(`${folder}/${name}`);
        await disk.syncFolder(folder);
      } catch (error) {
        throw cannotWrite(folder, error);
      }
    }
  }

  /** What waits is told; then the files are closed. */
  async stop(): Promise<void> {
    this.replica.stop();
    await this.snapshotter.stop();
    await this.storage.close();
    await this.events.close();
  }
}

/** The membership before the first entry of the log: all servers of a cluster begin with it, also those that come later. */
export function firstMembership(seed: ClusterSeed): Membership {
  return {
    voters: seed.voters.map(({ id }) => id).sort(),
    outgoing: null,
    learners: [],
    addresses: Object.fromEntries(seed.voters.map(({ id, address }) => [id, address])),
  };
}

/** What was found on the disk, for people: nothing is papered over. */
function report(logger: Logger, storage: RaftStorage, snapshots: Snapshots, events: EventLog): void {
  if (storage.torn !== null) logger.warn(`the end of the Raft log was cut: ${storage.torn}`);
  for (const damage of snapshots.damage) {
    logger.error(`a snapshot is damaged and was set aside: ${damage.file}: ${damage.reason}`);
  }
  for (const damage of events.damage) {
    logger.error(`events are damaged and are asked of another server: ${damage.file}: ${damage.reason}`);
  }
  const { damage } = storage;
  if (damage === null) return;
  const range = damage.to === null ? `from ${damage.from} on` : `${damage.from} to ${damage.to}`;
  const text = `the Raft log is damaged: entries ${range} are missing (${damage.file}: ${damage.reason}). This server does not vote until it has been filled anew`;
  logger.error(text, { code: new ExpectedError('DISK_DAMAGED').code });
}
