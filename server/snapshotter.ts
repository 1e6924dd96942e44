/**
 * Snapshots of the state machine: taken when the log has grown, pulled from the leader when it has gone on without us.
 *
 * A snapshot is taken of a picture that later commands do not change, and only once the events before it are on disk: a
 * server that starts from it must not lack events that nobody would make again.
 */

import { assert } from '../proto/assert.ts';
import { ExpectedError, messageOf } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { Entry, Membership, ServerId, SnapshotMeta } from '../proto/raft.ts';
import type { Rpc } from '../proto/rpc.ts';
import type { SnapshotHeader } from '../proto/store/snapshot-file.ts';
import type { Fsm } from './fsm/fsm.ts';
import { encodeState, StateBuilder, type StateView, viewState } from './fsm/snapshot.ts';
import type { State } from './fsm/state.ts';
import { decodeMembership } from './raft/membership.ts';
import type { Snapshots, StoredSnapshot } from './snapshots.ts';

/** What is asked of the log on disk. */
export interface SnapshotLog {
  compactTo(meta: SnapshotMeta): Promise<void>;
  installSnapshot(meta: SnapshotMeta): Promise<void>;
}

/** What is asked of the event log. */
export interface SnapshotEvents {
  /** Resolves when everything that was appended so far is durable. */
  flushed(): Promise<void>;
  /** The state goes on at this place; what lies between is missing here until it has been fetched. */
  moveTo(place: { readonly logId: string; readonly first: number; readonly last: number }): Promise<void>;
}

export interface SnapshotterPorts {
  readonly snapshots: Snapshots;
  readonly log: SnapshotLog;
  readonly events: SnapshotEvents;
  readonly fsm: Fsm;
  readonly logger: Logger;
  /** Who takes the snapshots, for the people who look at the file. */
  readonly origin: { readonly clusterId: string; readonly nodeId: string };
  rpc(server: ServerId): Rpc;
}

export interface SnapshotLimits {
  /** Entries since the last snapshot after which the next one is taken. Default 16,384. */
  readonly entriesMax: number;
  /** Bytes of entries since the last snapshot. Default 64 MiB. */
  readonly bytesMax: number;
}

/** The driver's side. */
export interface SnapshotHost {
  /** Resolves when the core rests: the log is about to be replaced under it. It goes on with `installed`. */
  freeze(): Promise<void>;
  installed(meta: SnapshotMeta): void;
  failed(): void;
  sent(peer: ServerId, ok: boolean): void;
  halt(error: unknown): void;
}

const defaults: SnapshotLimits = { entriesMax: 16_384, bytesMax: 64 * 1024 * 1024 };

/** Bytes of one answer of `snapshot.read`, and how long it may take. */
const chunkBytes = 256 * 1024;
const chunkTimeoutMs = 30_000;

export class Snapshotter {
  readonly #ports: SnapshotterPorts;
  readonly #limits: SnapshotLimits;
  #host: SnapshotHost | null = null;
  /** The membership in force at what was applied last. */
  #membership: { readonly index: number; readonly membership: Membership };
  #entries = 0;
  #bytes = 0;
  /** What is under way: one at a time, taken or fetched. */
  #work: Promise<void> | null = null;
  #stopped = false;

  constructor(
    ports: SnapshotterPorts,
    membership: { readonly index: number; readonly membership: Membership },
    limits: Partial<SnapshotLimits> = {},
  ) {
    this.#ports = ports;
    this.#membership = membership;
    this.#limits = { ...defaults, ...limits };
  }

  attach(host: SnapshotHost): void {
    this.#host = host;
  }

  /** Begins nothing new and waits for what is under way. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#work;
  }

  /** These entries were applied. */
  applied(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#bytes += entry.data.length;
      if (entry.kind !== 'membership') continue;
      this.#membership = { index: entry.index, membership: decodeMembership(entry.data) };
    }
    this.#entries += entries.length;
    if (this.#entries >= this.#limits.entriesMax || this.#bytes >= this.#limits.bytesMax) this.take();
  }

  /** Takes one now, unless one is being taken or fetched. */
  take(): void {
    if (this.#work !== null || this.#stopped || this.#ports.fsm.state.index === 0) return;
    this.#entries = 0;
    this.#bytes = 0;
    this.#begin(() => this.#take());
  }

  /** The state as it is now, which later commands do not change, and what a file of it begins with. */
  picture(): { readonly header: SnapshotHeader; readonly view: StateView } {
    const view = viewState(this.#ports.fsm.state);
    const { index: membershipIndex, membership } = this.#membership;
    const meta: SnapshotMeta = { index: view.index, term: view.term, membership, membershipIndex };
    const { logId, first: firstOffset, last: lastOffset, timeMs } = view.events;
    return { header: { meta, logId, firstOffset, lastOffset, timeMs, ...this.#ports.origin }, view };
  }

  /** Pulls the snapshot that the leader offered and puts it in the place of everything that is here. */
  fetch({ from, meta }: { readonly from: ServerId; readonly meta: SnapshotMeta }): void {
    const before = this.#work ?? Promise.resolve();
    this.#begin(() => before.then(() => this.#fetch(from, meta)));
  }

  /** The answering side of `snapshot.read`. */
  async serve(
    { meta, position }: { readonly meta: SnapshotMeta; readonly position: number },
    peer: ServerId,
  ): Promise<{ bytes: Uint8Array; size: number }> {
    const { snapshots } = this.#ports;
    const snapshot = snapshots.find(meta);
    if (snapshot !== null) {
      return { bytes: await snapshots.readBytes(snapshot, position, chunkBytes), size: snapshot.size };
    }
    this.#host?.sent(peer, false);
    throw new ExpectedError('NOT_FOUND', `the snapshot at ${meta.index} was replaced by a newer one`);
  }

  #begin(work: () => Promise<void>): void {
    const done = work()
      .catch((error: unknown) => this.#host?.halt(error))
      .finally(() => {
        if (this.#work === done) this.#work = null;
      });
    this.#work = done;
  }

  async #take(): Promise<void> {
    const { events, snapshots, log } = this.#ports;
    const { header, view } = this.picture();
    await events.flushed();
    await snapshots.write(header, encodeState(view));
    await log.compactTo(header.meta);
  }

  async #fetch(from: ServerId, meta: SnapshotMeta): Promise<void> {
    const { log, events, fsm, logger } = this.#ports;
    let state: State;
    try {
      state = await loadState(this.#ports.snapshots, await this.#pull(from, meta));
    } catch (error) {
      // The leader offers it again; state and log are as before.
      logger.warn(`the snapshot at ${meta.index} could not be fetched: ${messageOf(error)}`);
      this.#host?.failed();
      return;
    }
    if (this.#stopped) return;
    await events.moveTo(state.events);
    await this.#host?.freeze();
    await log.installSnapshot(meta);
    fsm.replace(state);
    this.#membership = { index: meta.membershipIndex, membership: meta.membership };
    this.#entries = 0;
    this.#bytes = 0;
    logger.info(`took over the snapshot at ${meta.index}`);
    this.#host?.installed(meta);
  }

  async #pull(from: ServerId, meta: SnapshotMeta): Promise<StoredSnapshot> {
    const receiver = await this.#ports.snapshots.receive(meta);
    try {
      for (;;) {
        if (this.#stopped) throw new ExpectedError('STOPPING');
        const params = { meta, position: receiver.position };
        const rpc = this.#ports.rpc(from);
        const { bytes } = await rpc.call('snapshot.read', params, { timeoutMs: chunkTimeoutMs });
        if (bytes.length === 0) break;
        await receiver.write(bytes);
      }
      await receiver.finish();
      const stored = this.#ports.snapshots.find(meta);
      assert(stored !== null, 'what was just received is kept');
      return stored;
    } catch (error) {
      await receiver.abandon().catch(() => {});
      throw error;
    }
  }
}

/** The state that a stored snapshot holds. Throws DISK_DAMAGED, or PROTOCOL for one of a newer server. */
export async function loadState(snapshots: Snapshots, snapshot: StoredSnapshot): Promise<State> {
  const builder = new StateBuilder();
  for await (const piece of snapshots.content(snapshot)) builder.addPiece(piece);
  return builder.finish();
}
