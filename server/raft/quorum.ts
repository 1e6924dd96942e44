/**
 * Who has won and what is committed: arithmetic over the voters' answers, and nothing else. While a membership
 * change is under way there are two sets of voters, and whatever needs a majority needs one in each (thesis 4.3).
 */
import { assert } from '../../proto/assert.ts';
import type { Membership, ServerId } from '../../proto/raft.ts';

export type VoterSets = Pick<Membership, 'voters' | 'outgoing'>;

export type Verdict = 'won' | 'lost' | 'open';

/** Smallest number of voters of which two such groups always share one: 2 of 2, 2 of 3, 3 of 4, 3 of 5. */
export function majority(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/** The largest number that a quorum has reached: five voters at 7 7 6 4 2 make it 6. */
export function reachedByQuorum(sets: VoterSets, positionOf: (voter: ServerId) => number): number {
  const incoming = reachedByMajority(sets.voters, positionOf);
  return sets.outgoing === null ? incoming : Math.min(incoming, reachedByMajority(sets.outgoing, positionOf));
}

/** Whether the voters for which `has` holds make a quorum. */
export function isQuorum(sets: VoterSets, has: (voter: ServerId) => boolean): boolean {
  return reachedByQuorum(sets, (voter) => (has(voter) ? 1 : 0)) === 1;
}

/** The state of an election. It is lost as soon as the voters who have not refused are no quorum any more. */
export function tally(sets: VoterSets, votes: ReadonlyMap<ServerId, boolean>): Verdict {
  if (isQuorum(sets, (voter) => votes.get(voter) === true)) return 'won';
  return isQuorum(sets, (voter) => votes.get(voter) !== false) ? 'open' : 'lost';
}

function reachedByMajority(voters: readonly ServerId[], positionOf: (voter: ServerId) => number): number {
  assert(voters.length > 0, 'a quorum is asked of at least one voter');
  const descending = voters.map(positionOf).sort((a, b) => b - a);
  return descending[majority(voters.length) - 1]!;
}
