/**
 * What is asked of an agent rather than of the catalog: its newest outputs. Each agent keeps one connection, to any
 * server. Whoever is asked looks whether it holds that connection, and asks the other servers when it does not.
 */
import { z } from 'zod';
import { ExpectedError, isExpected } from '../../../proto/errors.ts';
import type { Rpc, RpcCalls, RpcPeer } from '../../../proto/rpc.ts';
import { checkParams } from './check-params.ts';
import { consensusOf, type MethodContext } from './context.ts';

type Output = RpcCalls['agent.output'];

/** An agent that is there answers from memory; one that does not is not worth more waiting. */
const agentTimeoutMs = 1_500;
const passedOnTimeoutMs = 2_000;

const outputParams = z.object({
  node: z.string().min(1).max(512),
  checks: z.array(z.string().max(1_024)).max(10_000),
});

/** Rejects with NOT_FOUND when no server holds a connection to that node. */
export async function output(
  context: MethodContext,
  raw: Output['params'],
  peer: RpcPeer,
): Promise<Output['answer']> {
  const params = checkParams(outputParams, raw);
  const { fsm } = consensusOf(context);
  const row = fsm.state.catalog.node(params.node);
  const agent = row === undefined ? null : context.agent(row.id);
  if (agent !== null) return agent.call('agent.output', params, { timeoutMs: agentTimeoutMs });
  const wasPassedOn = peer.kind === 'server' && peer.nodeId !== context.id;
  if (row === undefined || wasPassedOn) throw noConnection(params.node);
  // A server is its own agent, so there is only one that can know.
  const others = fsm.state.servers.has(row.id) ? [row.id] : context.others();
  return firstOf(
    others.map((id) => context.rpc(id)),
    params,
  );
}

async function firstOf(
  servers: readonly Pick<Rpc, 'call'>[],
  params: Output['params'],
): Promise<Output['answer']> {
  const asked = servers.map((server) =>
    server.call('agent.output', params, { timeoutMs: passedOnTimeoutMs }),
  );
  try {
    return await Promise.any(asked);
  } catch (error) {
    const reasons = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
    const bug = reasons.find((reason) => !isExpected(reason));
    throw bug ?? noConnection(params.node);
  }
}

function noConnection(node: string): ExpectedError {
  return new ExpectedError('NOT_FOUND', `no server has a connection to the agent of ${node}`);
}
