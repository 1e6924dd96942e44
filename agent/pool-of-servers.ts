/**
 * The way from a plain agent to its servers: gossip says which there are, the last known ones are remembered on disk, and
 * the cluster that answers first is ours for good.
 */
import type { Logger } from '../proto/logger.ts';
import type { Clock, Random } from '../proto/ports.ts';
import type { DataFolder } from '../proto/store/layout.ts';
import { connectRpc, type Handlers, makeRpcHost, type StreamNetwork } from '../server/rpc/client.ts';
import type { Membership } from './gossip/membership.ts';
import type { LocalStore } from './local-store.ts';
import { type KnownServer, ServerPool } from './server-pool.ts';
import { isThere, serverOf } from './tags.ts';

export interface PoolOfServersPorts {
  readonly node: string;
  readonly datacenter: string;
  readonly folder: DataFolder;
  readonly store: LocalStore;
  readonly membership: Membership;
  readonly network: StreamNetwork;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** What a server may ask of this agent. */
  readonly callbacks: Handlers;
  keys(): readonly Uint8Array[];
  onBug(error: unknown, method: string): void;
}

export function startPool(ports: PoolOfServersPorts): ServerPool {
  const { folder, store, membership, network, clock, random, logger } = ports;
  const host = makeRpcHost({
    clock,
    random,
    network,
    identity: () => ({
      kind: 'agent',
      nodeId: folder.meta.nodeId,
      node: ports.node,
      clusterId: folder.meta.clusterId ?? '',
    }),
    keys: () => ports.keys(),
    handlers: ports.callbacks,
    defer: process.nextTick,
    onBug: (error, method) => ports.onBug(error, method),
  });
  const remembered = store.value<readonly KnownServer[]>('servers');
  const pool = new ServerPool({
    clock,
    random,
    servers: () => knownServers(membership, ports.datacenter),
    remembered: remembered.read() ?? [],
    connect: async (address, signal) => {
      const connection = await connectRpc(address, host, { signal });
      await adoptCluster(folder, connection.peer.clusterId);
      return connection;
    },
  });
  membership.onChange(() => pool.serversChanged());
  pool.onConnected(() => {
    const { used, known } = pool.status();
    logger.info(`connected to server ${used?.name ?? ''}`);
    remembered.write(known);
  });
  pool.start();
  return pool;
}

/** Servers of our datacenter that gossip counts on. */
export function knownServers(membership: Membership, datacenter: string): KnownServer[] {
  return membership.members().flatMap((member) => {
    const server = isThere(member) && member.tags.dc === datacenter ? serverOf(member) : null;
    return server === null ? [] : [{ nodeId: member.tags.id ?? '', name: member.name, address: server.rpc }];
  });
}

async function adoptCluster(folder: DataFolder, clusterId: string): Promise<void> {
  // Another one than ours was let in by the handshake because it is heir to ours.
  if (clusterId !== '' && folder.meta.clusterId !== clusterId) await folder.update({ clusterId });
}
