/** What is sent to a server without an answer: Raft's messages, and what accusers found. */
import { z } from 'zod';
import { isExpected } from '../../../proto/errors.ts';
import type { RpcNotices, RpcPeer } from '../../../proto/rpc.ts';
import { checkParams } from './check-params.ts';
import type { MethodContext } from './context.ts';

const dossierParams = z.object({
  node: z.string().min(1),
  nodeId: z.string(),
  incarnation: z.number().int().nonnegative(),
  evidence: z.json(),
});

/** Characters of evidence at most: it ends in the event log of every server. */
const evidenceLengthMax = 64 * 1024;

/** Raft believes what a message says of its sender, so it must be the one who sent it. */
export function receiveMessages(
  context: MethodContext,
  params: RpcNotices['raft.messages'] | null,
  peer: RpcPeer,
): void {
  if (peer.kind !== 'server' || !Array.isArray(params?.messages)) return;
  const own = params.messages.filter((message) => message?.from === peer.nodeId);
  context.consensus()?.replica.receive(own);
}

/** To whoever leads: passed on, once. What is no dossier is dropped; nobody waits for an answer. */
export function receiveDossier(
  context: MethodContext,
  params: RpcNotices['gossip.dossier'],
  peer: RpcPeer,
): void {
  try {
    const dossier = checkParams(dossierParams, params);
    if (JSON.stringify(dossier.evidence).length > evidenceLengthMax) return;
    const leader = context.consensus()?.replica.standing.leader ?? null;
    if (leader === context.id) context.duties()?.reconcile.receiveDossier(dossier);
    else if (leader !== null && (peer.kind === 'agent' || peer.nodeId === context.id)) {
      context.rpc(leader).notify('gossip.dossier', dossier);
    }
  } catch (error) {
    if (!isExpected(error)) throw error;
  }
}
