/** How the servers are, as their leader sees it, and which sets of voters would be safe. Pure. */
import type { ServerId } from '../proto/raft.ts';
import type { PeerStatus, RaftStatus } from './raft/ready.ts';

export interface HealthLimits {
  /** Entries that a healthy server may lack. */
  readonly lagMax: number;
  /** Ticks of silence after which a server is not healthy. */
  readonly silentTicksMax: number;
}

export function isHealthy(status: RaftStatus, peer: PeerStatus, limits: HealthLimits): boolean {
  return (
    peer.silentTicks <= limits.silentTicksMax &&
    peer.match + limits.lagMax >= status.commit &&
    peer.state === 'replicate'
  );
}

/** Why this set of voters would not be safe: its majority must be there. `newcomer` was found healthy already. */
export function objectionTo(
  status: RaftStatus,
  voters: readonly ServerId[],
  limits: HealthLimits,
  newcomer?: ServerId,
): string | null {
  if (voters.length === 0) return 'it is the last voter; its disk alone knows the cluster';
  const heard = new Set(status.peers.filter((peer) => isHealthy(status, peer, limits)).map(({ id }) => id));
  const there = voters.filter((id) => id === status.id || id === newcomer || heard.has(id));
  const needed = Math.floor(voters.length / 2) + 1;
  if (there.length >= needed) return null;
  return `the quorum would be lost: of the ${voters.length} voters left only ${there.length} would be healthy, ${needed} are needed`;
}

/** How many healthy voters may be lost before the rest is no majority. */
export function failureTolerance(voters: number, healthyVoters: number): number {
  return Math.max(0, healthyVoters - (Math.floor(voters / 2) + 1));
}
