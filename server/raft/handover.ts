/** Leadership transfer (thesis 3.10): bring the target up to date, then order it to campaign at once. */
import type { ServerId } from '../../proto/raft.ts';
import type { Leadership } from './leadership.ts';
import type { RaftState } from './state.ts';

export type TransferResult = 'started' | 'notLeader' | 'self' | 'notVoter';

/** A second request replaces the first; the same target again does not win time. */
export function startTransfer(state: RaftState, to: ServerId): TransferResult {
  const { leadership } = state;
  if (leadership === null) return 'notLeader';
  if (to === state.id) return 'self';
  if (!state.members.current.voters.includes(to)) return 'notVoter';
  if (leadership.transfer?.to === to) return 'started';
  leadership.transfer = { to, sinceTicks: state.ticks };
  orderElection(state, leadership);
  return 'started';
}

/** Sent once the target has everything, and again on each sign of life, since an order may be lost. */
export function orderElection(state: RaftState, leadership: Leadership): void {
  const { transfer } = leadership;
  const target = transfer === null ? undefined : leadership.peer(transfer.to);
  if (target === undefined || target.match !== state.log.lastIndex) return;
  leadership.orderedElection = true;
  state.send({ type: 'timeoutNow', to: target.id });
}

/** After an election timeout the leader takes proposals again. */
export function endTransferWhenLate(state: RaftState, leadership: Leadership): void {
  const { transfer } = leadership;
  if (transfer === null || state.ticks - transfer.sinceTicks < state.limits.electionTicks) return;
  leadership.transfer = null;
}
