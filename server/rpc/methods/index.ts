/** Everything that a server answers on 8300, one function a method. */

import type { RaftMessage } from '../../../proto/raft.ts';
import type { RpcHandlers, RpcPeer } from '../../../proto/rpc.ts';
import * as catalog from './catalog.ts';
import * as cluster from './cluster.ts';
import type { MethodContext } from './context.ts';
import * as cursors from './cursors.ts';
import * as events from './events.ts';
import * as journal from './journal.ts';
import * as operator from './operator.ts';

export function makeHandlers(context: MethodContext): RpcHandlers {
  return {
    calls: {
      'catalog.query': (params, peer) => catalog.query(context, params, peer),
      'catalog.write': (params, peer) => catalog.write(context, params, peer),
      'journal.deliver': (params, peer) => journal.deliver(context, params, peer),
      'journal.compare': (params, peer) => journal.compare(context, params, peer),
      status: async () => cluster.status(context),
      'bootstrap.status': async () => context.bootstrapStatus(),
      'bootstrap.take': async (params, peer) => cluster.take(context, params, peer),
      'server.refill': (params, peer) => cluster.refill(context, params, peer),
      'snapshot.read': (params, peer) => cluster.readSnapshot(context, params, peer),
      'cursor.acknowledge': (params, peer) => cursors.acknowledge(context, params, peer),
      'cursor.remove': (params, peer) => cursors.remove(context, params, peer),
      'cursor.list': (_params, peer) => cursors.list(context, peer),
      'events.history': (params) => events.history(context, params),
      'server.leave': (params, peer) => cluster.leave(context, params, peer),
      'server.list': (params, peer) => operator.list(context, params, peer),
      'server.health': (_params, peer) => operator.health(context, peer),
      'server.remove': (params, peer) => operator.remove(context, params, peer),
      'server.promote': (params, peer) => operator.promote(context, params, peer),
      'leader.time': (_params, peer) => cluster.time(context, peer),
      'leader.transfer': (params, peer) => cluster.transfer(context, params, peer),
    },
    notices: {
      'raft.messages': ({ messages }, peer) => receiveMessages(context, messages, peer),
      'gossip.dossier': (dossier, peer) => receiveDossier(context, dossier, peer),
    },
    streams: {
      'events.read': (params, peer, signal) => events.read(context, params, peer, signal),
    },
  };
}

/** Raft believes what a message says of its sender, so it must be the one who sent it. */
function receiveMessages(context: MethodContext, messages: readonly RaftMessage[], peer: RpcPeer): void {
  if (peer.kind !== 'server' || !Array.isArray(messages)) return;
  context.consensus()?.replica.receive(messages.filter((message) => message.from === peer.nodeId));
}

/** To whoever leads: passed on, once. */
function receiveDossier(
  context: MethodContext,
  dossier: { node: string; nodeId: string; incarnation: number; evidence: unknown },
  peer: RpcPeer,
): void {
  const leader = context.consensus()?.replica.standing.leader ?? null;
  if (leader === context.id) context.duties()?.reconcile.receiveDossier(dossier);
  else if (leader !== null && (peer.kind === 'agent' || peer.nodeId === context.id)) {
    context.rpc(leader).notify('gossip.dossier', dossier);
  }
}
