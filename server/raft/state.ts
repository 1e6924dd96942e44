/**
 * What all roles share, and the moves between them. `raft.ts` settles terms and is the only door from outside; the
 * files of the roles read and change this state, nobody else does.
 */
import { assert } from '../../proto/assert.ts';
import type { Random } from '../../proto/ports.ts';
import type { HardState, RaftMessage, ServerId, SnapshotMeta } from '../../proto/raft.ts';
import type { Leadership } from './leadership.ts';
import type { RaftLimits } from './limits.ts';
import type { RaftLog } from './log.ts';
import { isVoter, type MembershipHistory } from './membership.ts';
import { Outbox } from './outbox.ts';
import { ForwardedReads } from './reads.ts';
import type { ReadState, Role } from './ready.ts';

/** Numbers of forwarded reads begin anywhere below this, so that two lives of a process do not share them. */
const firstReadRequestMax = 2 ** 52;

/** A message without what every message of ours has. `term` only where it is not our current one. */
export type Draft<M = RaftMessage> = M extends RaftMessage
  ? Omit<M, 'from' | 'term'> & { term?: number }
  : never;

export interface SnapshotFetch {
  readonly from: ServerId;
  readonly meta: SnapshotMeta;
  readonly term: number;
  readonly session: number | undefined;
  /** Whether the driver was asked to fetch it. */
  asked: boolean;
}

export interface RaftStateStart {
  readonly id: ServerId;
  readonly random: Random;
  readonly limits: RaftLimits;
  readonly hardState: HardState;
  readonly log: RaftLog;
  readonly members: MembershipHistory;
  readonly mayVote: boolean;
  readonly quietTicks: number;
}

export class RaftState {
  readonly id: ServerId;
  readonly limits: RaftLimits;
  readonly log: RaftLog;
  readonly members: MembershipHistory;
  readonly mayVote: boolean;
  readonly forwardedReads: ForwardedReads;
  readonly outbox = new Outbox();
  role: Role = 'follower';
  term: number;
  vote: ServerId | null;
  leader: ServerId | null = null;
  /** Term and vote as they are on disk. */
  durable: HardState;
  /** First answer of each voter in the election that is under way, our own included. */
  readonly votes = new Map<ServerId, boolean>();
  /** Not null exactly while this server leads. */
  leadership: Leadership | null = null;
  /** While it is set the log is frozen: what the snapshot replaces must not grow, be vouched for, or lead. */
  fetch: SnapshotFetch | null = null;
  reads: ReadState[] = [];
  /** Ticks of this life. */
  ticks = 0;
  /** Ticks since the election timer was restarted. */
  elapsed = 0;
  /** When `elapsed` reaches this, the leader is given up. */
  timeout = 0;
  private readonly random: Random;
  private readonly quietTicks: number;

  constructor(start: RaftStateStart) {
    this.id = start.id;
    this.limits = start.limits;
    this.log = start.log;
    this.members = start.members;
    this.mayVote = start.mayVote;
    this.random = start.random;
    this.quietTicks = start.quietTicks;
    this.term = start.hardState.term;
    this.vote = start.hardState.vote;
    this.durable = start.hardState;
    this.drawTimeout();
    this.forwardedReads = new ForwardedReads(
      start.limits.readsMax,
      Math.floor(start.random.unit() * firstReadRequestMax),
    );
  }

  /** The vote goes only with the term: whoever steps down within a term has voted in it (paper 5.2). */
  becomeFollower(term: number, leader: ServerId | null): void {
    assert(term >= this.term, 'terms never fall');
    assert(Number.isSafeInteger(term), 'a term is a safe integer');
    if (term > this.term) {
      this.setLeader(null);
      this.outbox.dropPromises();
      this.term = term;
      this.vote = null;
    }
    if (this.role !== 'follower') this.leaveRole();
    this.setLeader(leader);
  }

  /** Changes neither term nor vote: whoever asks whether it could win has promised nothing. */
  becomePreCandidate(): void {
    assert(this.role !== 'leader', 'a leader does not campaign');
    this.role = 'preCandidate';
    this.startCampaign();
  }

  becomeCandidate(): void {
    assert(this.role !== 'leader', 'a leader does not campaign');
    this.role = 'candidate';
    this.outbox.dropPromises();
    this.term++;
    this.vote = this.id;
    this.startCampaign();
  }

  becomeLeader(leadership: Leadership): void {
    assert(this.role === 'candidate', 'only a candidate becomes leader');
    assert(this.ownVoteIsDurable, 'the own vote is on disk');
    this.role = 'leader';
    this.leadership = leadership;
    this.votes.clear();
    this.setLeader(this.id);
  }

  /** Whoever asked the leader before for an index gets no answer from another one. */
  setLeader(leader: ServerId | null): void {
    if (leader === this.leader) return;
    this.leader = leader;
    for (const context of this.forwardedReads.drain()) this.reads.push({ context, index: null });
  }

  restartTimer(): void {
    this.elapsed = 0;
  }

  send(draft: Draft): void {
    const message = { from: this.id, term: this.term, ...draft } as RaftMessage;
    this.outbox.put(message, this.durable.term === this.term);
  }

  /** A leader that is heard, or that we may have vouched for in an earlier life, is not to be deposed by votes. */
  get isInLease(): boolean {
    if (this.role === 'leader' || this.ticks < this.quietTicks) return true;
    return this.leader !== null && this.elapsed < this.limits.electionTicks;
  }

  get canCampaign(): boolean {
    if (!this.mayVote || this.role === 'leader' || this.fetch !== null || this.diskIsStuck) return false;
    return isVoter(this.members.current, this.id) || this.wasVoter;
  }

  /**
   * Removed by a change that is not known to be committed. Such a server still campaigns, though without its own vote: only
   * the old voters may hold the entry that the new ones need to go on (thesis 4.2.2).
   */
  private get wasVoter(): boolean {
    const { latest } = this.members;
    if (latest.index <= this.log.commit) return false;
    const before = this.members.before(this.log.view);
    return before !== undefined && isVoter(before.membership, this.id);
  }

  /** Whether the vote for oneself in this term is on disk. */
  get ownVoteIsDurable(): boolean {
    return this.durable.term === this.term && this.durable.vote === this.id;
  }

  /** A disk that does not finish a write within an election timeout makes no leader. */
  get diskIsStuck(): boolean {
    return this.log.oldestWriteAge(this.ticks) >= this.limits.electionTicks;
  }

  private startCampaign(): void {
    this.votes.clear();
    this.setLeader(null);
    this.restartTimer();
    this.drawTimeout();
  }

  /** A refused candidate must not hold us back, so the timer runs on unless we were leader and had none. */
  private leaveRole(): void {
    if (this.role === 'leader') this.restartTimer();
    for (const { from, context } of this.leadership?.reads.drain() ?? []) {
      if (from === null) this.reads.push({ context, index: null });
    }
    this.role = 'follower';
    this.leadership = null;
    this.votes.clear();
    this.drawTimeout();
  }

  /** From [T, 2T), drawn anew at each role change, so that servers seldom campaign at once (paper 5.2). */
  private drawTimeout(): void {
    const { electionTicks } = this.limits;
    this.timeout = electionTicks + Math.floor(this.random.unit() * electionTicks);
  }
}
