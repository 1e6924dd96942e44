/** What a leader does: with answers, with time, and when something became durable or committed. */
import { assert } from '../../proto/assert.ts';
import type { AppendAnswer, EntryKind, HeartbeatAnswer, RaftMessage, ServerId } from '../../proto/raft.ts';
import { endTransferWhenLate, orderElection } from './handover.ts';
import { Leadership } from './leadership.ts';
import { sizeOf } from './log.ts';
import { encodeMembership, isVoter, lastStep } from './membership.ts';
import type { Progress } from './progress.ts';
import { isQuorum, reachedByQuorum } from './quorum.ts';
import type { ReadRequested } from './reads.ts';
import { repeatOffers, replicate, sendHeartbeats } from './replication.ts';
import type { RaftState } from './state.ts';

const noData = new Uint8Array();

/** Removed peers are still told of their removal for this many election timeouts. */
const farewellTimeouts = 2;

/** First of all an empty entry of the own term: it commits what older leaders left (paper 8, 5.4.2). */
export function takeOffice(state: RaftState): void {
  const { id, limits, log, members } = state;
  const start = {
    id,
    limits,
    membership: members.latest,
    nextIndex: log.lastIndex + 1,
    nowTicks: state.ticks,
  };
  state.becomeLeader(new Leadership(start));
  appendOwn(state, 'noop', [noData]);
}

export function leadershipOf(state: RaftState): Leadership {
  assert(state.leadership !== null, 'this server leads');
  return state.leadership;
}

export function stepLeader(state: RaftState, message: RaftMessage): void {
  if (message.type === 'read') {
    askForRead(state, { context: message.context, from: message.from } satisfies ReadRequested);
    return;
  }
  if (message.type !== 'appendAnswer' && message.type !== 'heartbeatAnswer') return;
  const peer = leadershipOf(state).peer(message.from);
  if (peer === undefined) return;
  peer.heardTicks = state.ticks;
  if (message.type === 'heartbeatAnswer') receiveHeartbeatAnswer(state, peer, message);
  else receiveAppendAnswer(state, peer, message);
}

export function tickLeader(state: RaftState): void {
  const leadership = leadershipOf(state);
  // Heartbeats of a leader that cannot write would keep everybody quiet while nothing is committed.
  if (state.diskIsStuck || !hearsQuorum(state, leadership)) {
    state.becomeFollower(state.term, null);
    return;
  }
  endTransferWhenLate(state, leadership);
  leadership.dropRemoved(state.ticks, farewellTimeouts * state.limits.electionTicks);
  repeatOffers(state, leadership);
  leaveJointPhase(state);
  if (state.ticks - leadership.heartbeatTicks < state.limits.heartbeatTicks) return;
  leadership.heartbeatTicks = state.ticks;
  sendHeartbeats(state, leadership);
}

/** Everything that the inputs since the last batch allow to be sent. */
export function flushLeader(state: RaftState): void {
  const leadership = leadershipOf(state);
  if (leadership.reads.needsRound) sendHeartbeats(state, leadership);
  if (isAlone(state)) confirmReads(state, leadership.reads.round);
  replicate(state, leadership);
}

/** A single voter is a quorum: it asks nobody, and nobody would answer. */
function isAlone(state: RaftState): boolean {
  return isQuorum(state.members.current, (voter) => voter === state.id);
}

function confirmReads(state: RaftState, round: number): void {
  for (const read of leadershipOf(state).reads.confirm(round)) answerRead(state, read, read.index);
}

/** Appends entries of the own term, one for each of `data`, and returns the index of the first. */
export function appendOwn(state: RaftState, kind: EntryKind, data: readonly Uint8Array[]): number {
  const { log, members, term } = state;
  const leadership = leadershipOf(state);
  const first = log.lastIndex + 1;
  let bytes = 0;
  for (const each of data) {
    const entry = { index: log.lastIndex + 1, term, kind, data: each };
    log.append(entry);
    bytes += sizeOf(entry);
    if (kind !== 'membership') continue;
    members.append(entry);
    leadership.followMembership(members.latest, log.lastIndex + 1, state.ticks);
  }
  leadership.backlog.add(log.lastIndex, bytes);
  return first;
}

/** Whether the leader knows what is committed: only after an entry of its own term is (paper 8). */
export function hasCommittedOwn({ log, term }: RaftState): boolean {
  return log.term(log.commit) === term;
}

/**
 * Commits what a quorum holds on disk, the leader counting itself like anybody else. Only an entry of the own term
 * is committed by counting, and everything before it with it (paper 5.4.2, figure 8).
 */
export function advanceCommit(state: RaftState): void {
  const leadership = leadershipOf(state);
  const { log, members } = state;
  const reached = reachedByQuorum(members.current, (voter) => matchOf(state, leadership, voter));
  if (reached > log.commit && log.term(reached) === state.term) {
    log.commitTo(reached);
    if (hasCommittedOwn(state)) leadership.reads.notePostponed(log.commit);
    leaveJointPhase(state);
    stepDownWhenRemoved(state);
  }
  leadership.backlog.settle(Math.min(log.commit, log.storedIndex));
}

/** A read at the leader. Lease reads are answered at once, others after a round; a single voter asks nobody. */
export function askForRead(
  state: RaftState,
  request: ReadRequested,
  mode: 'index' | 'lease' = 'index',
): void {
  const { reads, orderedElection } = leadershipOf(state);
  const known = hasCommittedOwn(state);
  const leased = mode === 'lease' && !orderedElection && reads.leaseHolds(state.ticks);
  if (known && (isAlone(state) || leased)) answerRead(state, request, state.log.commit);
  else if (reads.isFull) refuseRead(state, request);
  else if (known) reads.note(request, state.log.commit);
  else reads.postpone(request);
}

function receiveHeartbeatAnswer(state: RaftState, peer: Progress, { round }: HeartbeatAnswer): void {
  const leadership = leadershipOf(state);
  const { reads } = leadership;
  peer.resume();
  if (peer.match < state.log.lastIndex) peer.mayHaveLost = true;
  if (leadership.transfer?.to === peer.id) orderElection(state, leadership);
  if (round <= peer.round || round > reads.round) return;
  peer.round = round;
  const answered = reachedByQuorum(state.members.current, (voter) =>
    voter === state.id ? reads.round : (leadership.peer(voter)?.round ?? 0),
  );
  confirmReads(state, answered);
}

function receiveAppendAnswer(state: RaftState, peer: Progress, answer: AppendAnswer): void {
  if (answer.session !== undefined && answer.session !== peer.session) return;
  if (answer.rejected) {
    const { hintIndex, hintTerm, index } = answer;
    peer.refused(index, state.log.lastIndexNotAfter(hintIndex, hintTerm));
    return;
  }
  receiveAcknowledgement(state, peer, answer.index);
}

function receiveAcknowledgement(state: RaftState, peer: Progress, index: number): void {
  assert(index <= state.log.lastIndex, `${peer.id} has nothing that its leader never had`);
  if (index < peer.match) return;
  peer.acknowledge(index);
  if (peer.state === 'probe' || (peer.state === 'snapshot' && isFilled(state, peer))) peer.replicate();
  const leadership = leadershipOf(state);
  if (leadership.transfer?.to === peer.id) orderElection(state, leadership);
  advanceCommit(state);
}

/** The snapshot is there, or was not needed: the log that we still have goes on where the follower's ends. */
function isFilled({ log }: RaftState, { match, offered }: Progress): boolean {
  return match + 1 >= log.view.firstIndex() || (offered !== null && match >= offered.meta.index);
}

/** Heard within an election timeout, in both halves of a joint phase (thesis 6.2). */
function hearsQuorum(state: RaftState, leadership: Leadership): boolean {
  const { electionTicks } = state.limits;
  return isQuorum(state.members.current, (voter) => {
    const heardTicks = leadership.peer(voter)?.heardTicks ?? Number.NEGATIVE_INFINITY;
    return voter === state.id || state.ticks - heardTicks < electionTicks;
  });
}

function matchOf(state: RaftState, leadership: Leadership, voter: ServerId): number {
  return voter === state.id ? state.log.storedIndex : (leadership.peer(voter)?.match ?? 0);
}

/** The joint phase ends by itself as soon as it is committed, also under a leader that inherited it. */
function leaveJointPhase(state: RaftState): void {
  const { latest, current } = state.members;
  if (current.outgoing === null || latest.index > state.log.commit || !hasCommittedOwn(state)) return;
  if (leadershipOf(state).transfer !== null) return;
  appendOwn(state, 'membership', [encodeMembership(lastStep(current))]);
}

/**
 * A leader that removed itself leads until that is committed (thesis 4.2.2). Its last act is to tell everybody and to
 * let the most complete voter campaign, so that nobody waits for a timeout.
 */
function stepDownWhenRemoved(state: RaftState): void {
  const { latest, current } = state.members;
  if (latest.index > state.log.commit || isVoter(current, state.id)) return;
  const leadership = leadershipOf(state);
  replicate(state, leadership);
  const heirs = leadership.peers.filter((peer) => current.voters.includes(peer.id));
  const heir = heirs.find((peer) => peer.match === state.log.lastIndex);
  if (heir !== undefined) state.send({ type: 'timeoutNow', to: heir.id });
  state.becomeFollower(state.term, null);
}

function answerRead(state: RaftState, { context, from }: ReadRequested, index: number): void {
  if (from === null) state.reads.push({ context, index });
  else state.send({ type: 'readAnswer', to: from, context, index });
}

/** Another server hears nothing and gives up by itself. */
function refuseRead(state: RaftState, { context, from }: ReadRequested): void {
  if (from === null) state.reads.push({ context, index: null });
}
