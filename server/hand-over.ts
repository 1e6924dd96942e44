/** Leadership goes to another voter before this server stops, or because somebody asked for it. */
import { ExpectedError } from '../proto/errors.ts';
import type { Clock } from '../proto/ports.ts';
import type { ServerId } from '../proto/raft.ts';
import type { PeerStatus } from './raft/ready.ts';
import type { Replica } from './replica.ts';

/** The core gives a transfer up after one election timeout; the election that follows one takes less. */
const transferMs = 3_000;

/**
 * Resolves when another server leads. `to` is '' for whoever is most up to date. Rejects with NOT_LEADER, NOT_FOUND when
 * there is no such voter, or TIMEOUT.
 */
export async function handOver(replica: Replica, clock: Clock, to: ServerId = ''): Promise<void> {
  const { id, peers } = replica.status();
  const heir = to === '' ? bestHeir(peers) : to;
  if (heir === undefined)
    throw new ExpectedError('NOT_FOUND', 'there is no other voter to hand leadership to');
  await new Promise<void>((resolve, reject) => {
    const settle = (act: () => void) => {
      timer.cancel();
      stopListening();
      act();
    };
    const timer = clock.after(transferMs, () => {
      const text = `${heir} did not take leadership over within ${transferMs / 1000} s`;
      settle(() => reject(new ExpectedError('TIMEOUT', text)));
    });
    const stopListening = replica.onStanding(({ leader }) => {
      if (leader !== null && leader !== id) settle(resolve);
    });
    const result = replica.transferLeadership(heir);
    if (result === 'notLeader') settle(() => reject(new ExpectedError('NOT_LEADER')));
    else if (result !== 'started') {
      settle(() => reject(new ExpectedError('NOT_FOUND', `${heir} is no other voter of this cluster`)));
    }
  });
}

function bestHeir(peers: readonly PeerStatus[]): ServerId | undefined {
  const voters = peers.filter((peer) => peer.voter);
  voters.sort((a, b) => a.silentTicks - b.silentTicks || b.match - a.match);
  return voters[0]?.id;
}
