/** What is said about the servers themselves: who leads, who belongs to them, and how one leaves. */
import { z } from 'zod';
import { ExpectedError } from '../../../proto/errors.ts';
import type { RpcCalls, RpcPeer } from '../../../proto/rpc.ts';
import { handOver } from '../../hand-over.ts';
import { checkParams } from './check-params.ts';
import { consensusOf, dutiesOf, type MethodContext } from './context.ts';

const snapshotParams = z.object({
  meta: z.looseObject({ index: z.number().int(), term: z.number().int() }),
  position: z.number().int().nonnegative(),
});

const seedParams = z.object({
  clusterId: z.uuid(),
  logId: z.uuid(),
  voters: z
    .array(z.object({ id: z.string().min(1), address: z.string() }))
    .min(1)
    .max(100),
  formerly: z.array(z.uuid()).max(100).optional(),
});

/** What this very server knows, at once. */
export function status(context: MethodContext): RpcCalls['status']['answer'] {
  const consensus = context.consensus();
  if (consensus === null) return nothingYet;
  const { replica, fsm, events, seed } = consensus;
  const raft = replica.status();
  const { leader } = replica.standing;
  const { addresses, voters } = raft.membership;
  return {
    leader: leader === null ? '' : (addresses[leader] ?? ''),
    leaderName: leader === null ? '' : (fsm.state.catalog.nodeById(leader)?.name ?? ''),
    peers: voters.map((id) => addresses[id] ?? '').sort(),
    clusterId: seed.clusterId,
    logId: fsm.state.events.logId,
    term: raft.term,
    role: raft.role,
    commit: raft.commit,
    applied: raft.applied,
    firstOffset: events.first,
    lastOffset: events.last,
  };
}

const nothingYet: RpcCalls['status']['answer'] = {
  leader: '',
  leaderName: '',
  peers: [],
  clusterId: '',
  logId: '',
  term: 0,
  role: 'none',
  commit: 0,
  applied: 0,
  firstOffset: 1,
  lastOffset: 0,
};

export function take(
  context: MethodContext,
  params: RpcCalls['bootstrap.take']['params'],
  peer: RpcPeer,
): Promise<{ clusterId: string }> {
  if (peer.kind !== 'server')
    throw new ExpectedError('BAD_REQUEST', 'only a server takes servers into a cluster');
  return context.take(checkParams(seedParams, params));
}

export async function refill(
  context: MethodContext,
  params: RpcCalls['server.refill']['params'],
  peer: RpcPeer,
): Promise<Record<string, never>> {
  if (peer.kind !== 'server') throw new ExpectedError('BAD_REQUEST', 'only a server fills servers anew');
  await context.refill(checkParams(seedParams, params));
  return {};
}

export async function readSnapshot(
  context: MethodContext,
  params: RpcCalls['snapshot.read']['params'],
  peer: RpcPeer,
): Promise<RpcCalls['snapshot.read']['answer']> {
  checkParams(snapshotParams, params);
  return consensusOf(context).snapshotter.serve(params, peer.nodeId);
}

/** A server gives up its vote. */
export function leave(
  context: MethodContext,
  params: RpcCalls['server.leave']['params'],
  peer: RpcPeer,
): Promise<Record<string, never>> {
  return context.door.run({
    peer,
    effect: 'each',
    here: async () => {
      const { nodeId } = checkParams(z.object({ nodeId: z.string().min(1) }), params);
      await dutiesOf(context).autopilot.remove(nodeId);
      return {};
    },
    there: (leader, timeoutMs) => leader.call('server.leave', params, { timeoutMs }),
  });
}

export function time(context: MethodContext, peer: RpcPeer): Promise<RpcCalls['leader.time']['answer']> {
  return context.door.run({
    peer,
    effect: 'once',
    here: async () => ({ wallMs: context.clock.wallMs() }),
    there: (leader, timeoutMs) => leader.call('leader.time', {}, { timeoutMs }),
  });
}

export function transfer(
  context: MethodContext,
  params: RpcCalls['leader.transfer']['params'],
  peer: RpcPeer,
): Promise<Record<string, never>> {
  return context.door.run({
    peer,
    effect: 'each',
    here: async (consensus) => {
      const { to } = checkParams(z.object({ to: z.string() }), params);
      await handOver(consensus.replica, context.clock, to);
      return {};
    },
    there: (leader, timeoutMs) => leader.call('leader.transfer', params, { timeoutMs }),
  });
}
