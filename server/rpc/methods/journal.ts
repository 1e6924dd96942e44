/** What agents say of themselves: their journals, and the full comparison now and then. */
import { z } from 'zod';
import { ExpectedError } from '../../../proto/errors.ts';
import type { RpcCalls, RpcPeer } from '../../../proto/rpc.ts';
import { ownCheck, ownService } from '../../../proto/schema/catalog.ts';
import { type AgentIdentity, agentIdentity, journalRecord } from '../../../proto/schema/journal.ts';
import { checkParams } from './check-params.ts';
import { dutiesOf, type MethodContext } from './context.ts';

type Deliver = RpcCalls['journal.deliver'];
type Compare = RpcCalls['journal.compare'];

/** Records of one delivery; agents send fewer. */
const recordsMax = 1_000;

const deliverParams = z.object({
  identity: agentIdentity,
  journalId: z.string().min(1).max(128),
  records: z.array(journalRecord).max(recordsMax),
});

const compareParams = z.object({
  identity: agentIdentity,
  journalId: z.string().min(1).max(128),
  revision: z.number().int().nonnegative(),
  services: z.array(ownService),
  checks: z.array(ownCheck),
});

export async function deliver(
  context: MethodContext,
  params: Deliver['params'],
  peer: RpcPeer,
): Promise<Deliver['answer']> {
  checkSpeaker(params, peer);
  return context.door.run({
    peer,
    effect: 'once',
    here: async ({ replica }) => {
      const body = checkParams(deliverParams, params);
      await dutiesOf(context).reconcile.introduce(body.identity);
      const { revision } = await replica.propose({ kind: 'journal', v: 1, ...body });
      return { revision };
    },
    there: (leader, timeoutMs) => leader.call('journal.deliver', params, { timeoutMs }),
  });
}

export async function compare(
  context: MethodContext,
  params: Compare['params'],
  peer: RpcPeer,
): Promise<Compare['answer']> {
  checkSpeaker(params, peer);
  return context.door.run({
    peer,
    effect: 'once',
    here: async ({ replica, fsm }) => {
      const body = checkParams(compareParams, params);
      await dutiesOf(context).reconcile.introduce(body.identity);
      // Its rows went with it. They come back when gossip has seen it, and then the comparison counts.
      if (fsm.state.catalog.node(body.identity.node)?.state === 'left') {
        throw new ExpectedError('BUSY', `${body.identity.node} has left; gossip has not seen it back yet`);
      }
      const { repairs, revision } = await replica.propose({ kind: 'sync', v: 1, ...body });
      return { repairs, revision };
    },
    there: (leader, timeoutMs) => leader.call('journal.compare', params, { timeoutMs }),
  });
}

/** An agent speaks for itself only; a server passes on what an agent said to it. */
export function checkSpeaker(params: { readonly identity?: AgentIdentity } | null, peer: RpcPeer): void {
  if (peer.kind === 'server' || params?.identity?.nodeId === peer.nodeId) return;
  throw new ExpectedError('BAD_REQUEST', `${peer.node} speaks for another node id than its own`);
}
