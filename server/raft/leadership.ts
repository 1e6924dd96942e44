/** What a server has only while it leads: its picture of every peer, reads that wait, a transfer, the backlog. */
import type { ServerId } from '../../proto/raft.ts';
import { Backlog } from './backlog.ts';
import type { RaftLimits } from './limits.ts';
import { type LocatedMembership, memberIds } from './membership.ts';
import { Progress } from './progress.ts';
import { LeaderReads } from './reads.ts';

/** Leadership is being handed over; proposals are refused until it has happened or an election timeout has passed. */
export interface Transfer {
  readonly to: ServerId;
  readonly sinceTicks: number;
}

export interface LeadershipStart {
  readonly id: ServerId;
  readonly membership: LocatedMembership;
  readonly nextIndex: number;
  readonly nowTicks: number;
  readonly limits: RaftLimits;
}

export class Leadership {
  /** Sorted by id: messages to peers always leave in the same order. Without the leader itself. */
  peers: readonly Progress[] = [];
  readonly reads: LeaderReads;
  readonly backlog = new Backlog();
  transfer: Transfer | null = null;
  /**
   * A peer was told to campaign. It does so without regard to anybody's lease, however late the order reaches it, so
   * this leader answers no lease reads any more.
   */
  orderedElection = false;
  heartbeatTicks: number;
  private readonly id: ServerId;
  private readonly limits: RaftLimits;
  private byId = new Map<ServerId, Progress>();

  constructor({ id, membership, nextIndex, nowTicks, limits }: LeadershipStart) {
    this.id = id;
    this.limits = limits;
    this.reads = new LeaderReads(limits);
    this.heartbeatTicks = nowTicks;
    this.followMembership(membership, nextIndex, nowTicks);
  }

  peer(id: ServerId): Progress | undefined {
    return this.byId.get(id);
  }

  /** New members begin a picture of their own; removed ones are kept a while, to tell them that they are. */
  followMembership({ index, membership }: LocatedMembership, nextIndex: number, nowTicks: number): void {
    const members = new Set(memberIds(membership));
    members.delete(this.id);
    for (const peer of this.peers) {
      if (!members.has(peer.id)) peer.removedTicks ??= nowTicks;
      else if (peer.removedTicks !== null) this.byId.delete(peer.id);
    }
    for (const id of members) {
      if (this.byId.has(id)) continue;
      this.byId.set(id, new Progress({ id, session: index, next: nextIndex, nowTicks, limits: this.limits }));
    }
    this.sortPeers();
  }

  /** Forgets peers whose removal is older than `ticksMax`. */
  dropRemoved(nowTicks: number, ticksMax: number): void {
    const over = this.peers.filter(
      (peer) => peer.removedTicks !== null && nowTicks - peer.removedTicks > ticksMax,
    );
    if (over.length === 0) return;
    for (const peer of over) this.byId.delete(peer.id);
    this.sortPeers();
  }

  private sortPeers(): void {
    this.peers = [...this.byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  }
}
