/**
 * The order of what happened, agreed on by a few servers that may crash and lose messages, but never lie (Raft).
 *
 *                          timeout                 could win                  won
 *      ┌──────────┐ ─────────────────▶ ┌──────────────┐ ──────▶ ┌───────────┐ ────▶ ┌────────┐
 *      │ follower │                    │ preCandidate │         │ candidate │       │ leader │
 *      └──────────┘ ◀───────────────── └──────────────┘         └───────────┘       └────────┘
 *           ▲  │      lost, or a leader is heard                       │ ▲                │
 *           │  └── ordered by the leader that hands over ──────────────┼─┘                │
 *           └──────────────────────────────────────────────────────────┴─ higher term ────┘
 *                        a leader also: no quorum is heard, its disk hangs, or it was removed
 *
 * A core without I/O: it opens nothing, waits for nothing and reads no clock. The driver brings messages (`step`), time
 * (`tick`) and news of the disk and of the state machine (`stored`, `applied`, …), drains `ready()` after each input,
 * and works a batch off in one order: send `messages`, persist `write`, send `messagesAfterWrite`, apply `committed`.
 * Same inputs, same outputs: randomness is handed in, peers are visited in sorted order.
 */
import { assert } from '../../proto/assert.ts';
import type { Random } from '../../proto/ports.ts';
import type { HardState, Membership, RaftMessage, ServerId, SnapshotMeta } from '../../proto/raft.ts';
import { receiveStoredVote, startPreVote, stepCandidate } from './candidate.ts';
import { answerVote, stepFollower } from './follower.ts';
import { startTransfer, type TransferResult } from './handover.ts';
import { advanceCommit, askForRead, flushLeader, stepLeader, tickLeader } from './leader.ts';
import { completeLimits, type RaftLimits } from './limits.ts';
import { RaftLog } from './log.ts';
import { isVoter, MembershipHistory, type MembershipTarget } from './membership.ts';
import { type ChangeResult, type ProposeResult, proposeCommands, proposeMembership } from './proposals.ts';
import type { LogView, PeerStatus, RaftStatus, Ready, Standing, Write } from './ready.ts';
import { RaftState } from './state.ts';

export type { TransferResult } from './handover.ts';
export type { RaftLimits } from './limits.ts';
export type { MembershipTarget } from './membership.ts';
export type { ChangeResult, ProposeResult } from './proposals.ts';

export interface RaftOptions {
  readonly id: ServerId;
  readonly random: Random;
  readonly log: LogView;
  readonly hardState: HardState;
  /** What the state machine holds already: the index of its snapshot, or more. */
  readonly applied: number;
  /** The newest membership in the log, else that of the snapshot, else `origin`; and its index. */
  readonly membership: Membership;
  readonly membershipIndex: number;
  /** The membership at index 0, before any entry made one: what an entry that is cut may fall back to. Default: nobody. */
  readonly origin?: Membership;
  readonly limits?: Partial<RaftLimits>;
  /** Default true. False when the disk is damaged: neither votes, acknowledges nor campaigns (raft.md 3.4). */
  readonly mayVote?: boolean;
  /**
   * Ticks after the start in which votes are withheld as if a leader had just been heard, default 0. A voter that
   * restarts may have vouched for a leader's lease a moment before, so with lease reads in use this is `electionTicks`.
   */
  readonly quietTicks?: number;
}

export class Raft {
  private readonly state: RaftState;
  /** Term, vote and commit hint as they were last handed to the disk. */
  private handed: HardState;
  private reported: Standing;

  constructor(options: RaftOptions) {
    const { id, random, log: view, hardState, applied, membership, membershipIndex } = options;
    const mayVote = options.mayVote ?? true;
    // From a damaged disk nothing more is applied: what it holds beyond the snapshot may have holes.
    const commit = mayVote ? Math.max(hardState.commit, applied, view.snapshot()?.index ?? 0) : applied;
    const log = new RaftLog(view, { commit, applied });
    if (mayVote) {
      log.assertSound();
      assert(hardState.term >= log.lastTerm, 'the log holds no entry of a later term than ours');
    }
    this.state = new RaftState({
      id,
      random,
      limits: completeLimits(options.limits),
      hardState,
      log,
      members: new MembershipHistory({ index: membershipIndex, membership }, options.origin),
      mayVote,
      quietTicks: options.quietTicks ?? 0,
    });
    this.handed = hardState;
    this.reported = this.standing();
  }

  /** One unit of time passed. After a pause the driver delivers one tick, not all that were missed. */
  tick(): void {
    const { state } = this;
    state.ticks++;
    for (const context of state.forwardedReads.expire(state.ticks, state.limits.electionTicks)) {
      state.reads.push({ context, index: null });
    }
    if (state.role === 'leader') {
      tickLeader(state);
      return;
    }
    state.elapsed++;
    if (state.elapsed < state.timeout) return;
    state.setLeader(null);
    if (state.canCampaign) startPreVote(state);
  }

  /** A message of a peer. Whatever is late, misdirected or from a stranger changes nothing. */
  step(message: RaftMessage): void {
    const { state } = this;
    if (message.to !== state.id || message.from === state.id) return;
    if (message.term > state.term && !this.settleHigherTerm(message)) return;
    if (message.type === 'vote') {
      answerVote(state, message);
      return;
    }
    if (message.term < state.term) {
      this.correctOldLeader(message);
      return;
    }
    if (isFromLeader(message) && (state.role === 'preCandidate' || state.role === 'candidate')) {
      state.becomeFollower(message.term, message.from);
    }
    this.stepRole(message);
  }

  /** Appends commands, all or none. That they were appended promises nothing: wait for them in `committed`. */
  propose(data: readonly Uint8Array[]): ProposeResult {
    return proposeCommands(this.state, data);
  }

  /** Asks from which index on a read is linearizable; answered through `Ready.reads`, with index null when it failed. */
  read(context: number, mode: 'index' | 'lease'): void {
    const { state } = this;
    if (state.role === 'leader') askForRead(state, { context, from: null }, mode);
    else if (state.leader === null || state.forwardedReads.isFull) state.reads.push({ context, index: null });
    else state.forwardedReads.add(context);
  }

  transferLeadership(to: ServerId): TransferResult {
    return startTransfer(this.state, to);
  }

  changeMembership(target: MembershipTarget): ChangeResult {
    return proposeMembership(this.state, target);
  }

  /** Everything there is to do now, or null. Each thing is handed out once. */
  ready(): Ready | null {
    const { state } = this;
    this.flush();
    const write = this.takeWrite();
    // What a snapshot is about to replace is not applied any more.
    const committed = state.fetch === null ? state.log.takeCommitted(state.limits.applyBytesMax) : [];
    const fetchSnapshot = this.takeFetch();
    const changed = this.takeChange();
    const { reads } = state;
    const idle = write === null && fetchSnapshot === null && changed === null && state.outbox.isEmpty;
    if (idle && committed.length === 0 && reads.length === 0) return null;
    state.reads = [];
    return { ...state.outbox.take(), write, committed, reads, fetchSnapshot, changed };
  }

  /** The write with this token, and all before it, are on disk. */
  stored(token: number): void {
    const { state } = this;
    const hardState = state.log.stored(token);
    if (hardState !== null) state.durable = hardState;
    receiveStoredVote(state);
    if (state.role === 'leader') advanceCommit(state);
  }

  /** The state machine has applied everything up to `index`. */
  applied(index: number): void {
    this.state.log.appliedTo(index);
  }

  /** Entries that a `slice` answered with `'loading'` are in memory now. */
  loaded(): void {
    for (const peer of this.state.leadership?.peers ?? []) peer.loading = false;
  }

  /** The snapshot of `Ready.fetchSnapshot` is durable and took the place of state machine and log. */
  snapshotInstalled(meta: SnapshotMeta): void {
    const { state } = this;
    const { fetch } = state;
    assert(
      fetch !== null && fetch.meta.index === meta.index,
      'the installed snapshot is the one that was asked for',
    );
    state.fetch = null;
    state.log.reset(meta);
    state.members.reset({ index: meta.membershipIndex, membership: meta.membership });
    if (state.leader === null) return;
    const session = fetch.term === state.term ? fetch.session : undefined;
    const answer = { rejected: false, index: meta.index, hintIndex: 0, hintTerm: 0, session };
    state.send({ type: 'appendAnswer', to: state.leader, ...answer });
  }

  /** It could not be fetched or was not sound; state machine and log are as before. */
  snapshotFailed(): void {
    this.state.fetch = null;
  }

  /**
   * Leader: the bytes of the offered snapshot were sent, or will not be. When they were, the peer acknowledges it as soon
   * as it is installed; when not, the next attempt waits for a sign of life.
   */
  snapshotSent(peer: ServerId, ok: boolean): void {
    const progress = this.state.leadership?.peer(peer);
    if (ok || progress === undefined || progress.offered === null) return;
    progress.probe(progress.match + 1);
    progress.wait();
  }

  /** Leader: a message to the peer was surely lost. */
  unreachable(peer: ServerId): void {
    const progress = this.state.leadership?.peer(peer);
    if (progress?.state === 'replicate') progress.probe(progress.match + 1);
  }

  /** Time passed without ticks (a pause of the process): lease reads wait for a round that begins from now on. */
  forgetLease(): void {
    this.state.leadership?.reads.forgetLease();
  }

  status(): RaftStatus {
    const { id, role, term, vote, leader, log, members } = this.state;
    return {
      id,
      role,
      term,
      vote,
      leader,
      commit: log.commit,
      applied: log.applied,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
      membership: members.current,
      peers: this.peerStatus(),
    };
  }

  /** A message of a higher term: false when it is to be ignored, term and all. */
  private settleHigherTerm(message: RaftMessage): boolean {
    const { state } = this;
    if (message.type === 'vote') {
      // Whoever hears a leader does not help to depose it, unless the leader itself ordered the election.
      if (state.isInLease && !message.transfer) return false;
      if (message.pre) return true;
    }
    // A granted pre-vote names the term that was asked for, which nobody is in yet.
    if (message.type === 'voteAnswer' && message.pre && message.granted) return true;
    state.becomeFollower(message.term, isFromLeader(message) ? message.from : null);
    return true;
  }

  /** An old leader learns of our term, or a server that got ahead would be stuck: its vote requests are ignored. */
  private correctOldLeader(message: RaftMessage): void {
    const { state } = this;
    if (!state.mayVote) return;
    const to = message.from;
    if (message.type === 'heartbeat') state.send({ type: 'heartbeatAnswer', to, round: 0 });
    if (message.type !== 'append' && message.type !== 'snapshot') return;
    const index = message.type === 'append' ? message.prevIndex : message.meta.index;
    state.send({ type: 'appendAnswer', to, rejected: true, index, hintIndex: 0, hintTerm: 0 });
  }

  private stepRole(message: RaftMessage): void {
    const { state } = this;
    if (state.role === 'follower') stepFollower(state, message);
    else if (state.role === 'leader') {
      assert(
        !isFromLeader(message),
        `term ${state.term} has one leader, not ${state.id} and ${message.from}`,
      );
      stepLeader(state, message);
    } else stepCandidate(state, message);
  }

  /** Turns what the inputs since the last batch changed into messages. */
  private flush(): void {
    const { state } = this;
    if (state.role === 'leader') flushLeader(state);
    if (state.leader === null || state.role === 'leader') return;
    const context = state.forwardedReads.ask(state.ticks);
    if (context !== null) state.send({ type: 'read', to: state.leader, context });
  }

  /** A commit index alone is no reason to write: it is only a hint, and travels with the next write. */
  private takeWrite(): Write | null {
    const { term, vote, log, ticks } = this.state;
    const changed = term !== this.handed.term || vote !== this.handed.vote;
    if (!changed && !log.hasUnwritten) return null;
    const hardState = changed || log.commit > this.handed.commit ? { term, vote, commit: log.commit } : null;
    this.handed = hardState ?? this.handed;
    return log.takeWrite(hardState, ticks);
  }

  private takeFetch(): Ready['fetchSnapshot'] {
    const { fetch } = this.state;
    if (fetch === null || fetch.asked) return null;
    fetch.asked = true;
    return { from: fetch.from, meta: fetch.meta };
  }

  private takeChange(): Standing | null {
    const now = this.standing();
    const { role, term, leader } = this.reported;
    if (now.role === role && now.term === term && now.leader === leader) return null;
    this.reported = now;
    return now;
  }

  private standing(): Standing {
    const { role, term, leader } = this.state;
    return { role, term, leader };
  }

  private peerStatus(): PeerStatus[] {
    const { leadership, members, ticks } = this.state;
    const peers = leadership?.peers.filter((peer) => peer.removedTicks === null) ?? [];
    return peers.map(({ id, match, next, state, heardTicks }) => {
      return { id, match, next, state, voter: isVoter(members.current, id), silentTicks: ticks - heardTicks };
    });
  }
}

function isFromLeader({ type }: RaftMessage): boolean {
  return type === 'append' || type === 'heartbeat' || type === 'snapshot';
}
