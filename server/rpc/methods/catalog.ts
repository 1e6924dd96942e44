/** Questions to the catalog, and what is written to it from outside of an agent's journal. */
import { z } from 'zod';
import { ExpectedError } from '../../../proto/errors.ts';
import type { RpcCalls, RpcPeer } from '../../../proto/rpc.ts';
import { commandBody } from '../../../proto/schema/command.ts';
import { queryCatalog } from '../../catalog/query.ts';
import type { Consensus } from '../../consensus.ts';
import { checkParams } from './check-params.ts';
import { consensusOf, type MethodContext } from './context.ts';

type Query = RpcCalls['catalog.query'];
type Write = RpcCalls['catalog.write'];

/** What may be asked for over RPC; everything else is written by the leader itself or through a journal. */
const writable: ReadonlySet<string> = new Set([
  'catalog.register',
  'catalog.deregister',
  'node.left',
  'node.reap',
]);

const queryParams = z.object({
  query: z.union([
    z.object({ of: z.enum(['all', 'nodes', 'services', 'checks']) }),
    z.object({ of: z.enum(['node', 'nodeChecks']), node: z.string() }),
    z.object({ of: z.enum(['service', 'serviceChecks']), name: z.string() }),
    z.object({ of: z.literal('checksInState'), state: z.string() }),
  ]),
  mode: z.enum(['default', 'consistent', 'stale']),
  maxStaleMs: z.number().nonnegative().nullable(),
});

const writeParams = z.object({
  body: commandBody,
  once: z.object({ client: z.string().max(256), key: z.string().min(1).max(256) }).nullable(),
});

/** Bytes of one external registration at most; Consul's limit for a value. */
const writeBytesMax = 512 * 1024;

export async function query(
  context: MethodContext,
  raw: Query['params'],
  peer: RpcPeer,
): Promise<Query['answer']> {
  const params = checkParams(queryParams, raw) as Query['params'];
  if (params.mode === 'stale') {
    const consensus = consensusOf(context);
    const isFresh = params.maxStaleMs === null || consensus.replica.lastContactMs <= params.maxStaleMs;
    if (isFresh) return answerFrom(consensus, params);
  }
  const mode = params.mode === 'consistent' ? 'consistent' : 'default';
  return context.door.run({
    peer,
    effect: 'none',
    here: async (consensus) => {
      await consensus.replica.readBarrier(mode);
      return answerFrom(consensus, params);
    },
    there: (leader, timeoutMs) => leader.call('catalog.query', { ...params, mode }, { timeoutMs }),
  });
}

export function write(
  context: MethodContext,
  params: Write['params'],
  peer: RpcPeer,
): Promise<Write['answer']> {
  return context.door.run({
    peer,
    effect: params?.once == null ? 'each' : 'once',
    here: async (consensus) => {
      const { body, once } = checkParams(writeParams, params);
      if (!writable.has(body.kind))
        throw new ExpectedError('BAD_REQUEST', `${body.kind} is not for others to write`);
      const { index, offset } = await consensus.replica.propose(body, once, writeBytesMax);
      return { index, offset };
    },
    there: (leader, timeoutMs) => leader.call('catalog.write', params, { timeoutMs }),
  });
}

function answerFrom({ fsm, replica }: Consensus, { query: asked }: Query['params']): Query['answer'] {
  const { catalog, events } = fsm.state;
  const { rows, index } = queryCatalog(catalog, asked);
  return {
    rows,
    index,
    offset: events.last,
    logId: events.logId,
    knownLeader: replica.standing.leader !== null,
    lastContactMs: Math.round(replica.lastContactMs),
  };
}
