/** Everything that a server answers on 8300, one function a method. */

import type { RpcHandlers } from '../../../proto/rpc.ts';
import * as agents from './agents.ts';
import * as catalog from './catalog.ts';
import * as cluster from './cluster.ts';
import type { MethodContext } from './context.ts';
import * as cursors from './cursors.ts';
import { digest } from './digest.ts';
import * as events from './events.ts';
import * as journal from './journal.ts';
import * as notices from './notices.ts';
import * as operator from './operator.ts';
import * as snapshots from './snapshots.ts';

export function makeHandlers(context: MethodContext): RpcHandlers {
  return {
    calls: {
      'catalog.query': (params, peer) => catalog.query(context, params, peer),
      'catalog.write': (params, peer) => catalog.write(context, params, peer),
      'journal.deliver': (params, peer) => journal.deliver(context, params, peer),
      'journal.digest': (params, peer) => digest(context, params, peer),
      'journal.compare': (params, peer) => journal.compare(context, params, peer),
      'agent.output': (params, peer) => agents.output(context, params, peer),
      status: async () => cluster.status(context),
      'bootstrap.status': async () => context.bootstrapStatus(),
      'bootstrap.take': async (params, peer) => cluster.take(context, params, peer),
      'server.refill': (params, peer) => cluster.refill(context, params, peer),
      'snapshot.read': (params, peer) => cluster.readSnapshot(context, params, peer),
      'snapshot.restore': (params, peer) => snapshots.restore(context, params, peer),
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
      'raft.messages': (params, peer) => notices.receiveMessages(context, params, peer),
      'gossip.dossier': (params, peer) => notices.receiveDossier(context, params, peer),
    },
    streams: {
      'snapshot.save': (params, peer, signal) => snapshots.save(context, params, peer, signal),
      'events.read': (params, peer, signal) => events.read(context, params, peer, signal),
    },
  };
}
