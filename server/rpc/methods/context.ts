/** What the methods of 8300 need of the server that answers them. */
import { ExpectedError } from '../../../proto/errors.ts';
import type { Clock } from '../../../proto/ports.ts';
import type { ServerId } from '../../../proto/raft.ts';
import type { BootstrapStatus, ClusterSeed, Rpc } from '../../../proto/rpc.ts';
import type { Consensus } from '../../consensus.ts';
import type { Duties } from '../../duties.ts';
import type { LeaderDoor } from '../../leader-door.ts';

export interface MethodContext {
  readonly id: ServerId;
  readonly clock: Clock;
  readonly door: LeaderDoor;
  /** Null while this server is in no cluster. */
  consensus(): Consensus | null;
  duties(): Duties | null;
  /** All other servers, the leader first. */
  others(): readonly ServerId[];
  rpc(server: ServerId): Rpc;
  /** The agent with that node id, when this server can ask it. */
  agent(nodeId: string): Pick<Rpc, 'call'> | null;
  bootstrapStatus(): BootstrapStatus;
  take(seed: ClusterSeed): Promise<{ clusterId: string }>;
  /** See `server.refill`. */
  refill(seed: ClusterSeed): Promise<void>;
  /** Aborts when this server stops. */
  readonly stopping: AbortSignal;
}

/** Throws NO_LEADER while there is no cluster. */
export function consensusOf(context: MethodContext): Consensus {
  const consensus = context.consensus();
  if (consensus === null) throw new ExpectedError('NO_LEADER', 'this server is in no cluster yet');
  return consensus;
}

export function dutiesOf(context: MethodContext): Duties {
  const duties = context.duties();
  if (duties === null) throw new ExpectedError('NO_LEADER', 'this server is in no cluster yet');
  return duties;
}
