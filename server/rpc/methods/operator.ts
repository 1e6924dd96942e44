/** What operators ask about the servers and change in them. Each change is the leader's, and never costs the quorum. */
import { z } from 'zod';
import { ExpectedError } from '../../../proto/errors.ts';
import type { ServerId } from '../../../proto/raft.ts';
import type { RpcCalls, RpcPeer, ServerEntry } from '../../../proto/rpc.ts';
import type { Consensus } from '../../consensus.ts';
import { levelOf } from '../../fsm/level.ts';
import { failureTolerance } from '../../server-health.ts';
import { checkParams } from './check-params.ts';
import { consensusOf, dutiesOf, type MethodContext } from './context.ts';

const listParams = z.object({ stale: z.boolean() });
const whichParams = z.object({ id: z.string().max(256), address: z.string().max(256) });

type Which = z.output<typeof whichParams>;

export async function list(
  context: MethodContext,
  params: RpcCalls['server.list']['params'],
  peer: RpcPeer,
): Promise<RpcCalls['server.list']['answer']> {
  const { stale } = checkParams(listParams, params);
  if (stale) return { servers: entriesOf(consensusOf(context)) };
  return context.door.run({
    peer,
    effect: 'once',
    here: async (consensus) => {
      await consensus.replica.readBarrier('default');
      return { servers: entriesOf(consensus) };
    },
    there: (leader, timeoutMs) => leader.call('server.list', { stale }, { timeoutMs }),
  });
}

export function health(context: MethodContext, peer: RpcPeer): Promise<RpcCalls['server.health']['answer']> {
  return context.door.run({
    peer,
    effect: 'once',
    here: async (consensus) => healthOf(context, consensus),
    there: (leader, timeoutMs) => leader.call('server.health', {}, { timeoutMs }),
  });
}

export function remove(context: MethodContext, params: Which, peer: RpcPeer): Promise<Record<string, never>> {
  return change(context, 'server.remove', params, peer, async (id, { replica, fsm }) => {
    // First, so that a look in between does not take it in again. Servers of an older level know no such thing.
    const bars = fsm.state.level >= levelOf('server.bar');
    const bar = (barred: boolean) =>
      bars ? replica.propose({ kind: 'server.bar', v: 1, id, barred }) : null;
    await bar(true);
    try {
      await dutiesOf(context).autopilot.remove(id);
    } catch (error) {
      await bar(false);
      throw error;
    }
  });
}

export function promote(
  context: MethodContext,
  params: Which,
  peer: RpcPeer,
): Promise<Record<string, never>> {
  return change(context, 'server.promote', params, peer, async (id, { replica, fsm }) => {
    if (!fsm.state.barred.has(id)) return dutiesOf(context).autopilot.addVoter(id);
    await replica.propose({ kind: 'server.bar', v: 1, id, barred: false });
    throw new ExpectedError(
      'BUSY',
      `${id} had been removed and may join again: it votes when it holds the log`,
    );
  });
}

function change(
  context: MethodContext,
  method: 'server.remove' | 'server.promote',
  params: Which,
  peer: RpcPeer,
  act: (id: ServerId, consensus: Consensus) => Promise<void>,
): Promise<Record<string, never>> {
  const which = checkParams(whichParams, params);
  return context.door.run({
    peer,
    effect: 'each',
    here: async (consensus) => {
      await act(serverOf(consensus, which, method), consensus);
      return {};
    },
    there: (leader, timeoutMs) => leader.call(method, which, { timeoutMs }),
  });
}

/** One that was removed can be named to take it in again. Throws NOT_FOUND in Consul's words. */
function serverOf(
  { replica, fsm }: Consensus,
  { id, address }: Which,
  method: 'server.remove' | 'server.promote',
): ServerId {
  const { voters, learners, addresses } = replica.status().membership;
  const all = [...voters, ...learners, ...(method === 'server.promote' ? fsm.state.barred : [])];
  const found = all.find((each) => (id === '' ? addresses[each] === address : each === id));
  if (found !== undefined) return found;
  const what = id === '' ? `address ${JSON.stringify(address)}` : `id ${JSON.stringify(id)}`;
  throw new ExpectedError('NOT_FOUND', `${what} was not found in the Raft configuration`, { status: 500 });
}

function entriesOf({ replica, fsm }: Consensus): ServerEntry[] {
  const { membership } = replica.status();
  const { voters, learners, addresses } = membership;
  return [...voters, ...learners].map((id) => ({
    id,
    node: fsm.state.catalog.nodeById(id)?.name ?? '',
    address: addresses[id] ?? '',
    leader: id === replica.standing.leader,
    voter: voters.includes(id),
  }));
}

function healthOf(context: MethodContext, consensus: Consensus): RpcCalls['server.health']['answer'] {
  const found = new Map(
    dutiesOf(context)
      .autopilot.health()
      .map((server) => [server.id, server]),
  );
  const servers = entriesOf(consensus).flatMap((entry) => {
    const server = found.get(entry.id);
    if (server === undefined) return [];
    const { state, healthy, silentTicks, lastIndex } = server;
    const lastContactMs = silentTicks < 0 ? -1 : silentTicks * consensus.replica.tickMs;
    return [{ ...entry, state, healthy, lastContactMs, lastIndex }];
  });
  const voters = servers.filter((server) => server.voter);
  const tolerance = failureTolerance(voters.length, voters.filter((server) => server.healthy).length);
  return { failureTolerance: tolerance, servers, term: consensus.replica.standing.term };
}
