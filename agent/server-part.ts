/**
 * The server of this host as its agent sees it. An agent knows no server code but the RPC client: the command line hands
 * in the function that starts one.
 */

import type { Logger } from '../proto/logger.ts';
import type { Clock, Disk, Endpoint, Random } from '../proto/ports.ts';
import type { Rpc } from '../proto/rpc.ts';
import type { AgentIdentity } from '../proto/schema/journal.ts';
import type { DataFolder } from '../proto/store/layout.ts';
import type { Handlers, StreamNetwork } from '../server/rpc/client.ts';
import type { AgentConfig } from './config/agent-config.ts';
import type { Membership } from './gossip/membership.ts';

export interface ServerContext {
  readonly config: AgentConfig;
  readonly identity: AgentIdentity;
  readonly folder: DataFolder;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: StreamNetwork;
  /** What the server may ask of this agent. */
  readonly callbacks: Handlers;
  readonly logger: Logger;
  /** The server can go on no longer (a failed disk, a command of a newer version): the agent ends with this reason. */
  onHalt(error: Error): void;
  onBug(error: unknown, where: string): void;
  /** Whether the addresses of `retry_join` have been asked once: before that, a cluster may exist that we did not hear of. */
  hasTriedToJoin(): boolean;
  /** Keys that prove who may talk on 8300, the sealing one first. */
  keys(): readonly Uint8Array[];
}

/** Listening, before gossip tells others where. */
export interface ListeningServer {
  readonly address: Endpoint;
  /** Takes part from here on. */
  join(membership: Membership): Promise<ServerPart>;
  /** Hands over leadership, stays a voter. */
  stop(): Promise<void>;
}

export interface ServerPart {
  /** Its own methods, without a socket. */
  readonly rpc: Rpc;
  readonly address: Endpoint;
  /** Place in Raft, ready to be shown. */
  raftStatus(): Readonly<Record<string, unknown>>;
  /** Whether it knows a leader. */
  hasLeader(): boolean;
  isLeader(): boolean;
  /** Gives up its vote; rejects with QUORUM where that would lose the cluster. */
  leave(): Promise<void>;
}

export type StartServer = (context: ServerContext) => Promise<ListeningServer>;
