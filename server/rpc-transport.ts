/** RPC over a real network as a server needs it: one listener for everybody, one connection to each other server. */
import type { Clock, Endpoint, Random } from '../proto/ports.ts';
import type { StreamNetwork } from './rpc/byte-stream.ts';
import { makeRpcHost } from './rpc/client.ts';
import { PeerLinks } from './rpc/links.ts';
import { type RefusalNote, RpcListener } from './rpc/listener.ts';
import type { ServerTransport, TransportHost } from './server.ts';

export interface RpcTransportPorts {
  readonly network: StreamNetwork;
  readonly clock: Clock;
  readonly random: Random;
  /** Where to listen; port 0 lets the system choose. */
  readonly at: Endpoint;
  /** Keys of the gossip ring, the sealing one first; none: nothing is to be proven. */
  keys?(): readonly Uint8Array[];
  defer(run: () => void): void;
  onBug(error: unknown, method: string): void;
  onRefused?(note: RefusalNote): void;
}

/** What is under way may finish for so long when the server stops. */
const drainMs = 500;

export function rpcTransport(
  ports: RpcTransportPorts,
): (host: TransportHost) => ServerTransport & { stats(): Readonly<Record<string, number>> } {
  return ({ handlers, identity }) => {
    const { network, clock, random, keys, defer, onBug, onRefused } = ports;
    const host = makeRpcHost({
      network,
      clock,
      random,
      handlers,
      identity,
      defer,
      onBug,
      ...(keys && { keys: () => keys() }),
    });
    const links = new PeerLinks(host);
    const listener = new RpcListener(host, {
      at: ports.at,
      onConnection: (connection) => {
        if (connection.peer.kind === 'server') links.adopt(connection);
      },
      ...(onRefused && { onRefused: (note) => onRefused(note) }),
    });
    return {
      links,
      start: () => listener.start(),
      announceCluster(clusterId) {
        links.announceCluster(clusterId);
        listener.announceCluster(clusterId);
      },
      async stop() {
        await Promise.all([links.stop(), listener.stop(drainMs)]);
      },
      stats: () => ({ ...listener.stats(), ...links.stats() }),
    };
  };
}
