/** Campaigns: first the question whether one could win (thesis 9.6), then the election itself (paper 5.2). */
import type { RaftMessage, ServerId, VoteAnswer } from '../../proto/raft.ts';
import { takeOffice } from './leader.ts';
import { isVoter, memberIds } from './membership.ts';
import { tally } from './quorum.ts';
import type { RaftState } from './state.ts';

/** Asks without raising the term, so that a server that was cut off does not end a healthy leadership when it is back. */
export function startPreVote(state: RaftState): void {
  state.becomePreCandidate();
  askForVotes(state, { pre: true, transfer: false });
  recordVote(state, state.id, true);
}

/** The own vote counts when it is on disk; `receiveStoredVote` brings it. */
export function startElection(state: RaftState, { transfer }: { transfer: boolean }): void {
  state.becomeCandidate();
  askForVotes(state, { pre: false, transfer });
}

/** Term and vote became durable: in an election that is still ours this is our own vote. */
export function receiveStoredVote(state: RaftState): void {
  if (state.role === 'candidate' && state.ownVoteIsDurable) recordVote(state, state.id, true);
}

/** Messages of a leader of this term never come here: `raft.ts` makes a candidate a follower first. */
export function stepCandidate(state: RaftState, message: RaftMessage): void {
  if (message.type !== 'voteAnswer' || !isOfThisCampaign(state, message)) return;
  recordVote(state, message.from, message.granted);
}

/** A granted pre-vote is never a vote, and a vote never answers a pre-vote. */
function isOfThisCampaign(state: RaftState, answer: VoteAnswer): boolean {
  if (answer.pre !== (state.role === 'preCandidate')) return false;
  const askedTerm = answer.pre && answer.granted ? state.term + 1 : state.term;
  return answer.term === askedTerm;
}

/** The first answer of each counts; `tally` looks at voters only. */
function recordVote(state: RaftState, voter: ServerId, granted: boolean): void {
  const { current } = state.members;
  if (!state.votes.has(voter)) state.votes.set(voter, granted);
  const verdict = tally(current, state.votes);
  if (verdict === 'lost') state.becomeFollower(state.term, null);
  if (verdict !== 'won') return;
  if (state.role === 'preCandidate') startElection(state, { transfer: false });
  else if (state.ownVoteIsDurable) takeOffice(state);
}

function askForVotes(state: RaftState, { pre, transfer }: { pre: boolean; transfer: boolean }): void {
  const { lastIndex, lastTerm } = state.log;
  const term = pre ? state.term + 1 : state.term;
  const { current } = state.members;
  for (const to of memberIds(current)) {
    if (to === state.id || !isVoter(current, to)) continue;
    state.send({ type: 'vote', to, term, pre, transfer, lastIndex, lastTerm });
  }
}
