/**
 * What the core asks its driver to do, and what it may look at. The driver (`server/replica.ts`) works a
 * batch off in one order: send `messages`, persist `write`, send `messagesAfterWrite`, apply `committed`.
 */
import type { Entry, HardState, Membership, RaftMessage, ServerId, SnapshotMeta } from '../../proto/raft.ts';

/** The durable log as the core may read it: synchronous, from memory or from an index that is in memory. */
export interface LogView {
  /** Index of the first entry that is still there; `lastIndex() + 1` when the log is empty. */
  firstIndex(): number;
  /** Index of the last entry, or of the snapshot when no entry follows it; 0 for a new disk. */
  lastIndex(): number;
  /** Term of an entry, or of the snapshot's last entry; undefined when compacted away or not there. */
  term(index: number): number | undefined;
  /**
   * Entries `from <= index < to`, at least one, cut when `bytesMax` is exceeded; undefined when `from` was
   * compacted away. `'loading'` when they lie on disk only: the store has begun to read them and the driver
   * calls `loaded()` when they are there; until then the core treats the follower as not ready for more.
   */
  slice(from: number, to: number, bytesMax: number): readonly Entry[] | 'loading' | undefined;
  /** The newest durable snapshot, or undefined. */
  snapshot(): SnapshotMeta | undefined;
}

/** One write with one flush. Vouches for nothing until `stored(token)` comes back (raft.md 3.1). */
export interface Write {
  readonly token: number;
  /** When not null, everything from this index on is void before `entries` are appended. */
  readonly cutFrom: number | null;
  readonly entries: readonly Entry[];
  /** Present when term, vote or commit hint changed. */
  readonly hardState: HardState | null;
}

/** A read may run once the state machine has applied `index`; `index` is null when the read failed. */
export interface ReadState {
  readonly context: number;
  readonly index: number | null;
}

export interface Ready {
  /** May leave at once: appends, heartbeats, refusals – nothing that vouches for our disk. */
  readonly messages: readonly RaftMessage[];
  readonly write: Write | null;
  /** Leave only when `write` (or the newest write before it, when `write` is null) is durable. */
  readonly messagesAfterWrite: readonly RaftMessage[];
  /** To apply, in order, each index once. */
  readonly committed: readonly Entry[];
  readonly reads: readonly ReadState[];
  /** A snapshot that the leader offered and that should be fetched and installed; then `snapshotInstalled(meta)` or
   * `snapshotFailed()`. One at a time; until then nothing is appended, applied or won. */
  readonly fetchSnapshot: { readonly from: ServerId; readonly meta: SnapshotMeta } | null;
  /** Role, term or leader changed since the last batch. */
  readonly changed: Standing | null;
}

export type Role = 'follower' | 'preCandidate' | 'candidate' | 'leader';

export interface Standing {
  readonly role: Role;
  readonly term: number;
  readonly leader: ServerId | null;
}

/** The leader's picture of one peer, for people and metrics. */
export interface PeerStatus {
  readonly id: ServerId;
  readonly match: number;
  readonly next: number;
  readonly state: 'probe' | 'replicate' | 'snapshot';
  readonly voter: boolean;
  /** Ticks since anything was heard from it. */
  readonly silentTicks: number;
}

export interface RaftStatus extends Standing {
  readonly id: ServerId;
  readonly vote: ServerId | null;
  readonly commit: number;
  readonly applied: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly membership: Membership;
  readonly peers: readonly PeerStatus[];
}
