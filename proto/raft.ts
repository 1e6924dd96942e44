/**
 * Words that servers say to one another about the order of things: entries, hard state, membership and
 * messages. Plain data; the rules are in `server/raft`. Field meanings follow the Raft paper, figure 2,
 * and Ongaro's thesis (pre-vote 9.6, joint consensus 4.3, read index 6.4, transfer 3.10).
 */

/** A server in Raft: its node id (uuid of the data folder), never its address. */
export type ServerId = string;

/** `noop` is the first entry of each term, `membership` carries an encoded `Membership`, `command` is for the state machine. */
export type EntryKind = 'noop' | 'command' | 'membership';

export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  /** Encoded by `proto/codec.ts`; empty for a noop. */
  readonly data: Uint8Array;
}

/** What must survive a crash beside the log. `vote` is null when no vote was given in `term`. */
export interface HardState {
  readonly term: number;
  readonly vote: ServerId | null;
  /** A hint only: may lag behind, never ahead of what was committed. */
  readonly commit: number;
}

/** Who votes. While `outgoing` is not null the change is under way and both majorities are needed (4.3). */
export interface Membership {
  readonly voters: readonly ServerId[];
  readonly outgoing: readonly ServerId[] | null;
  readonly learners: readonly ServerId[];
  /** Last known addresses of the RPC port, by server; for people and for dialing, not for decisions. */
  readonly addresses: Readonly<Record<ServerId, string>>;
}

export interface SnapshotMeta {
  readonly index: number;
  readonly term: number;
  readonly membership: Membership;
  /** Log index of the entry that made `membership`. */
  readonly membershipIndex: number;
}

interface Addressed {
  readonly from: ServerId;
  readonly to: ServerId;
  readonly term: number;
}

export interface VoteRequest extends Addressed {
  readonly type: 'vote';
  readonly pre: boolean;
  /** Set in elections that a leader ordered (transfer): the receiver's lease does not hold them back. */
  readonly transfer: boolean;
  readonly lastIndex: number;
  readonly lastTerm: number;
}

export interface VoteAnswer extends Addressed {
  readonly type: 'voteAnswer';
  readonly pre: boolean;
  readonly granted: boolean;
}

export interface AppendRequest extends Addressed {
  readonly type: 'append';
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
  /** Which membership session of the receiver the leader means; comes back in the answer. */
  readonly session?: number | undefined;
}

export interface AppendAnswer extends Addressed {
  readonly type: 'appendAnswer';
  readonly rejected: boolean;
  /** Accepted: last index this message verified. Rejected: the `prevIndex` that was refused. */
  readonly index: number;
  /** Rejected only: last index <= prevIndex whose term is <= prevTerm, and its term. */
  readonly hintIndex: number;
  readonly hintTerm: number;
  /** As in the request that is answered; an answer of another session than the current one counts for nothing. */
  readonly session?: number | undefined;
}

export interface Heartbeat extends Addressed {
  readonly type: 'heartbeat';
  /** min(match of the receiver, commit): never beyond what the receiver is known to have. */
  readonly commit: number;
  /** The leader's number of this round of heartbeats, rising; an answer confirms the reads noted before the round. */
  readonly round: number;
}

export interface HeartbeatAnswer extends Addressed {
  readonly type: 'heartbeatAnswer';
  readonly round: number;
}

/** Tells the receiver to fetch a snapshot; the bytes travel outside of Raft's messages in chunks. */
export interface SnapshotOffer extends Addressed {
  readonly type: 'snapshot';
  readonly meta: SnapshotMeta;
  /** As in `AppendRequest`. */
  readonly session?: number | undefined;
}

/** Accepted snapshots are answered by an ordinary `appendAnswer` at their index. */
export interface TransferOrder extends Addressed {
  readonly type: 'timeoutNow';
}

export interface ReadRequest extends Addressed {
  readonly type: 'read';
  readonly context: number;
}

export interface ReadAnswer extends Addressed {
  readonly type: 'readAnswer';
  readonly context: number;
  readonly index: number;
}

export type RaftMessage =
  | VoteRequest
  | VoteAnswer
  | AppendRequest
  | AppendAnswer
  | Heartbeat
  | HeartbeatAnswer
  | SnapshotOffer
  | TransferOrder
  | ReadRequest
  | ReadAnswer;
