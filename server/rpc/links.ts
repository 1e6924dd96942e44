/** The ways to all other servers, by their ids. Addresses come from the membership and from gossip and may change. */
import { ExpectedError } from '../../proto/errors.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { RaftMessage, ServerId } from '../../proto/raft.ts';
import type { Rpc } from '../../proto/rpc.ts';
import type { RpcHost } from './client.ts';
import type { RpcConnection } from './connection.ts';
import { PeerLink, rpcOver } from './link.ts';

/** No sane cluster has more servers; a stranger that calls itself a server again and again finds an end here. */
const linksMax = 256;

export class PeerLinks {
  readonly #host: RpcHost;
  readonly #links = new Map<ServerId, PeerLink>();
  #dropped = 0;
  #stopped = false;

  constructor(host: RpcHost) {
    this.#host = host;
  }

  /** Where this server is to be found; dials when there is no connection. Our own id is passed over. */
  setAddress(id: ServerId, address: Endpoint): void {
    if (id !== this.#host.identity().nodeId) this.#link(id)?.setAddress(address);
  }

  /** This server is none any more. */
  forget(id: ServerId): void {
    const link = this.#links.get(id);
    this.#links.delete(id);
    void link?.stop();
  }

  /** A server's connection that our listener accepted. */
  adopt(connection: RpcConnection): void {
    const link = this.#link(connection.peer.nodeId);
    if (link === undefined) void connection.close();
    else link.adopt(connection);
  }

  /** Best effort and in order: what cannot leave soon is dropped and counted. */
  send(to: ServerId, messages: readonly RaftMessage[]): void {
    const link = this.#links.get(to);
    if (link === undefined) this.#dropped += messages.length;
    else link.send(messages);
  }

  /** Calls reject with CONNECTION_LOST while there is no connection and no dial under way. */
  rpc(to: ServerId): Rpc {
    const link = this.#link(to);
    if (link === undefined) throw new ExpectedError('STOPPING', 'the links to other servers are closed');
    return rpcOver(link);
  }

  /** Servers that can be talked to now. */
  connected(): readonly ServerId[] {
    return [...this.#links].filter(([, link]) => link.connected).map(([id]) => id);
  }

  stats(): Readonly<Record<string, number>> {
    let dropped = this.#dropped;
    for (const link of this.#links.values()) dropped += link.dropped;
    return { links_connected: this.connected().length, raft_messages_dropped: dropped };
  }

  announceCluster(clusterId: string): void {
    for (const link of this.#links.values()) link.announceCluster(clusterId);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all([...this.#links.values()].map((link) => link.stop()));
  }

  #link(id: ServerId): PeerLink | undefined {
    if (this.#stopped) return undefined;
    let link = this.#links.get(id);
    if (link === undefined && this.#links.size < linksMax) {
      link = new PeerLink(id, this.#host);
      this.#links.set(id, link);
    }
    return link;
  }
}
