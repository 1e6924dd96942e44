/** What the driver may ask a leader to append: commands, and changes of the membership. */
import { assert } from '../../proto/assert.ts';
import type { ServerId } from '../../proto/raft.ts';
import { advanceCommit, appendOwn, hasCommittedOwn } from './leader.ts';
import { sizeOf } from './log.ts';
import { encodeMembership, faultOf, firstStep, type MembershipTarget } from './membership.ts';
import type { RaftState } from './state.ts';

/** Position of the first appended entry. It is committed when exactly this index is, with this term. */
export interface Appended {
  readonly index: number;
  readonly term: number;
}

export interface ProposeRefused {
  readonly refused: 'notLeader' | 'transferring' | 'full';
  readonly leader: ServerId | null;
}

export interface ChangeRefused {
  /**
   * `notReady`: the leader has not committed an entry of its own term, and only then is it sure that no change of an
   * earlier leader is open. `pending`: a change is under way. `ambiguous`: a server is named twice.
   */
  readonly refused: 'notLeader' | 'transferring' | 'notReady' | 'pending' | 'noVoters' | 'ambiguous';
  readonly leader: ServerId | null;
}

export type ProposeResult = Appended | ProposeRefused;
export type ChangeResult = Appended | ChangeRefused;

/** All of `data` or nothing, each as one command, in order. */
export function proposeCommands(state: RaftState, data: readonly Uint8Array[]): ProposeResult {
  const { leadership, leader, limits, term } = state;
  assert(data.length > 0, 'something is proposed');
  if (leadership === null) return { refused: 'notLeader', leader };
  if (leadership.transfer !== null) return { refused: 'transferring', leader };
  const bytes = data.reduce((sum, each) => sum + sizeOf({ data: each }), 0);
  const { backlog } = leadership;
  // A single proposal beyond the bound still goes when nothing else waits.
  if (backlog.bytes > 0 && backlog.bytes + bytes > limits.uncommittedBytesMax)
    return { refused: 'full', leader };
  return { index: appendOwn(state, 'command', data), term };
}

/** Begins a change; the core leaves its joint phase by itself. */
export function proposeMembership(state: RaftState, target: MembershipTarget): ChangeResult {
  const { leader, leadership, log, members, term } = state;
  if (leadership === null) return { refused: 'notLeader', leader };
  if (leadership.transfer !== null) return { refused: 'transferring', leader };
  const fault = faultOf(target);
  if (fault !== null) return { refused: fault, leader };
  if (!hasCommittedOwn(state)) return { refused: 'notReady', leader };
  if (members.current.outgoing !== null || members.latest.index > log.commit)
    return { refused: 'pending', leader };
  const index = appendOwn(state, 'membership', [encodeMembership(firstStep(members.current, target))]);
  advanceCommit(state);
  return { index, term };
}
