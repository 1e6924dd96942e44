/** What a server needs of the network and of its data folder. */
import type { Endpoint } from '../proto/ports.ts';
import type { RaftMessage, ServerId } from '../proto/raft.ts';
import type { Rpc, RpcHandlers, RpcPeer } from '../proto/rpc.ts';

/** The ways to the other servers (`rpc/links.ts`). */
export interface ServerLinks {
  setAddress(id: ServerId, address: Endpoint): void;
  forget(id: ServerId): void;
  send(to: ServerId, messages: readonly RaftMessage[]): void;
  rpc(to: ServerId): Rpc;
}

/** RPC in both directions: the listener for everybody, the links to the other servers. */
export interface ServerTransport {
  readonly links: ServerLinks;
  /** Resolves when others can reach us; answers where. */
  start(): Promise<Endpoint>;
  /** The agent with that node id, when it has its connection here, or is the one of this very host. */
  agent(nodeId: string): Pick<Rpc, 'call'> | null;
  /** Our own cluster id has become known. */
  announceCluster(clusterId: string): void;
  stop(): Promise<void>;
}

/** What the transport needs of us. */
export interface TransportHost {
  readonly handlers: RpcHandlers;
  /** Asked anew for each connection: the cluster id becomes known later. */
  identity(): RpcPeer;
}

/** The data folder, as far as a server looks into it (`proto/store/layout.ts`). */
export interface ServerFolder {
  readonly meta: { readonly nodeId: string; readonly [key: string]: unknown };
  part(name: 'raft' | 'events' | 'snapshots'): string;
  /** Durable when it resolves. */
  update(change: Record<string, unknown>): Promise<void>;
}
