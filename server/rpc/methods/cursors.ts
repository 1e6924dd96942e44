/** What named readers say to the servers; all of it is the leader's business. */
import { z } from 'zod';
import type { RpcCalls, RpcPeer } from '../../../proto/rpc.ts';
import { cursorName, cursorShare } from '../../../proto/schema/command.ts';
import { checkParams } from './check-params.ts';
import { dutiesOf, type MethodContext } from './context.ts';

type Acknowledge = RpcCalls['cursor.acknowledge'];
type Remove = RpcCalls['cursor.remove'];
type List = RpcCalls['cursor.list'];

const acknowledgeParams = z.object({
  name: cursorName,
  share: cursorShare,
  offset: z.number().int().nonnegative(),
});

export function acknowledge(
  context: MethodContext,
  params: Acknowledge['params'],
  peer: RpcPeer,
): Promise<Acknowledge['answer']> {
  return context.door.run({
    peer,
    effect: 'once',
    here: async () => {
      const { offset, ...cursor } = checkParams(acknowledgeParams, params);
      await dutiesOf(context).cursors.acknowledge(cursor, offset);
      return { offset };
    },
    there: (leader, timeoutMs) => leader.call('cursor.acknowledge', params, { timeoutMs }),
  });
}

export function remove(
  context: MethodContext,
  params: Remove['params'],
  peer: RpcPeer,
): Promise<Remove['answer']> {
  return context.door.run({
    peer,
    effect: 'once',
    here: async ({ replica }) => {
      const { name } = checkParams(z.object({ name: cursorName }), params);
      await replica.propose({ kind: 'cursor.remove', v: 1, name });
      return {};
    },
    there: (leader, timeoutMs) => leader.call('cursor.remove', params, { timeoutMs }),
  });
}

export function list(context: MethodContext, peer: RpcPeer): Promise<List['answer']> {
  return context.door.run({
    peer,
    effect: 'none',
    here: async ({ replica }) => {
      await replica.readBarrier('default');
      return { cursors: dutiesOf(context).cursors.list() };
    },
    there: (leader, timeoutMs) => leader.call('cursor.list', {}, { timeoutMs }),
  });
}
