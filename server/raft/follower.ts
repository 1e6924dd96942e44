/** What a follower does with a message of its own term, and how any server answers a candidate. */
import { assert } from '../../proto/assert.ts';
import type {
  AppendRequest,
  Entry,
  Heartbeat,
  RaftMessage,
  ReadAnswer,
  SnapshotOffer,
  VoteRequest,
} from '../../proto/raft.ts';
import { startElection } from './candidate.ts';
import type { RaftState } from './state.ts';

export function stepFollower(state: RaftState, message: RaftMessage): void {
  switch (message.type) {
    case 'append':
      hearLeader(state, message);
      if (state.mayVote) receiveAppend(state, message);
      return;
    case 'heartbeat':
      hearLeader(state, message);
      if (state.mayVote) receiveHeartbeat(state, message);
      return;
    case 'snapshot':
      hearLeader(state, message);
      if (state.mayVote) receiveSnapshotOffer(state, message);
      return;
    case 'timeoutNow':
      // Ordered by the leader of this term, so neither its lease nor a pre-vote stands in the way.
      if (state.canCampaign) startElection(state, { transfer: true });
      return;
    case 'readAnswer':
      receiveReadAnswer(state, message);
      return;
  }
}

/**
 * Granted once a term and only to a log that is at least as complete as ours (paper 5.2, 5.4.1), whatever we believe to
 * be ourselves: a learner that was promoted may not know it yet. A pre-vote promises nothing and restarts no timer.
 */
export function answerVote(state: RaftState, request: VoteRequest): void {
  if (!state.mayVote) return;
  const complete = state.log.isUpToDate(request.lastIndex, request.lastTerm);
  const granted = complete && (request.pre ? request.term > state.term : hasVoteFor(state, request));
  if (granted && !request.pre) {
    state.vote = request.from;
    state.restartTimer();
  }
  const term = granted ? request.term : state.term;
  state.send({ type: 'voteAnswer', to: request.from, pre: request.pre, granted, term });
}

function hasVoteFor(state: RaftState, request: VoteRequest): boolean {
  if (request.term !== state.term) return false;
  return state.vote === request.from || (state.vote === null && state.leader === null);
}

function hearLeader(state: RaftState, message: AppendRequest | Heartbeat | SnapshotOffer): void {
  assert(
    state.leader === null || state.leader === message.from,
    `term ${state.term} has one leader, not ${state.leader} and ${message.from}`,
  );
  state.setLeader(message.from);
  state.restartTimer();
}

function receiveAppend(state: RaftState, request: AppendRequest): void {
  const { log } = state;
  if (state.fetch !== null) return;
  const verified = request.prevIndex + request.entries.length;
  if (request.prevIndex < log.commit && verified <= log.commit) {
    // An old append: what it brings is committed here already, and the leader has all of that.
    acknowledge(state, request, log.commit);
    return;
  }
  const anchor = Math.max(request.prevIndex, log.commit);
  const anchorTerm =
    anchor === request.prevIndex ? request.prevTerm : request.entries[anchor - request.prevIndex - 1]!.term;
  if (log.term(anchor) !== anchorTerm) {
    assert(anchor === request.prevIndex, `the leader of term ${state.term} has what is committed`);
    refuse(state, request);
    return;
  }
  if (!takeOver(state, request.entries.slice(anchor - request.prevIndex))) return;
  // Only as far as this message shows that both logs are equal: behind it may be the tail of an older leader.
  log.commitTo(Math.min(request.commit, verified));
  acknowledge(state, request, verified);
}

/**
 * Appends what we lack and cuts only from the first entry that differs: a late, shorter append must not take back what
 * was acknowledged since. False when the membership to fall back to is still being read, then the leader asks again.
 */
function takeOver(state: RaftState, entries: readonly Entry[]): boolean {
  const { log, members } = state;
  const news = entries.findIndex((entry) => log.term(entry.index) !== entry.term);
  if (news === -1) return true;
  const first = entries[news]!.index;
  if (first <= log.lastIndex) {
    if (!members.canCut(first, log.view)) return false;
    log.cut(first);
    members.cut(first);
  }
  for (const entry of entries.slice(news)) {
    log.append(entry);
    if (entry.kind === 'membership') members.append(entry);
  }
  return true;
}

function acknowledge(state: RaftState, request: AppendRequest, index: number): void {
  const { from: to, session } = request;
  state.send({ type: 'appendAnswer', to, rejected: false, index, hintIndex: 0, hintTerm: 0, session });
}

/** Names where the two logs may still agree, so that the leader skips a whole tail at once instead of entry by entry. */
function refuse(state: RaftState, request: AppendRequest): void {
  const { from: to, prevIndex, prevTerm, session } = request;
  const hintIndex = state.log.lastIndexNotAfter(prevIndex, prevTerm);
  const hintTerm = state.log.term(hintIndex) ?? 0;
  state.send({ type: 'appendAnswer', to, rejected: true, index: prevIndex, hintIndex, hintTerm, session });
}

function receiveHeartbeat(state: RaftState, { from, commit, round }: Heartbeat): void {
  // Never beyond what we acknowledged, says the leader. If we do not have it, our disk forgot it: then it is not ours to
  // commit, and no reason to die.
  if (commit <= state.log.lastIndex) state.log.commitTo(commit);
  state.send({ type: 'heartbeatAnswer', to: from, round });
}

function receiveSnapshotOffer(state: RaftState, offer: SnapshotOffer): void {
  const { log } = state;
  if (state.fetch !== null) return;
  const { from, meta, term, session } = offer;
  if (meta.index > log.commit && log.term(meta.index) !== meta.term) {
    state.fetch = { from, meta, term, session, asked: false };
    return;
  }
  // We hold that part of the log: nothing to replace, and all of it is committed.
  log.commitTo(meta.index);
  const answer = { rejected: false, index: log.commit, hintIndex: 0, hintTerm: 0, session };
  state.send({ type: 'appendAnswer', to: from, ...answer });
}

function receiveReadAnswer(state: RaftState, { from, context, index }: ReadAnswer): void {
  if (from !== state.leader) return;
  for (const waiting of state.forwardedReads.answered(context)) {
    state.reads.push({ context: waiting, index });
  }
}
