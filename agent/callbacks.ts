/** What a server may ask of this agent, over the connection that the agent keeps to it. */
import { ExpectedError } from '../proto/errors.ts';
import type { RpcCalls, RpcPeer } from '../proto/rpc.ts';
import type { Handlers } from '../server/rpc/client.ts';
import type { LocalAgent } from './local-agent.ts';

/** Bytes of outputs in one answer; what does not fit is left out, and the asker has what the catalog holds. */
const outputBytesMax = 1_048_576;

export function makeCallbacks(node: string, local: Pick<LocalAgent, 'checks'>): Handlers {
  return { calls: { 'agent.output': async (params, peer) => output(node, local, params, peer) } };
}

function output(
  node: string,
  local: Pick<LocalAgent, 'checks'>,
  params: RpcCalls['agent.output']['params'],
  peer: RpcPeer,
): RpcCalls['agent.output']['answer'] {
  if (peer.kind !== 'server') throw new ExpectedError('BAD_REQUEST', 'only a server asks an agent');
  if (params.node !== node) throw new ExpectedError('NOT_FOUND', `this is ${node}, not ${params.node}`);
  const wanted = new Set(params.checks);
  const outputs: Record<string, { output: string; atMs: number }> = {};
  let bytes = 0;
  for (const { id, output, resultAtMs } of local.checks()) {
    if (!wanted.has(id) || resultAtMs === 0) continue;
    bytes += Buffer.byteLength(output);
    if (bytes > outputBytesMax) break;
    outputs[id] = { output, atMs: resultAtMs };
  }
  return { outputs };
}
