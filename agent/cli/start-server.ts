/** Starts the server of this host for its agent: first its port, then, when gossip runs, its part in the cluster. */
import { formatAddress } from '../../proto/address.ts';
import { ExpectedError, messageOf } from '../../proto/errors.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { Rpc, RpcPeer } from '../../proto/rpc.ts';
import { makeRpcHost, type RpcConnection } from '../../server/rpc/client.ts';
import { PeerLinks } from '../../server/rpc/links.ts';
import { RpcListener } from '../../server/rpc/listener.ts';
import { Server, type ServerTransport, type TransportHost } from '../../server/server.ts';
import type { ListeningServer, ServerContext, ServerPart } from '../server-part.ts';
import { cannotListen } from '../startup-errors.ts';
import { LateGossipView } from './gossip-view.ts';

/** What is under way on other people's connections may finish for this long. */
const drainMs = 500;
const tickMs = 100;

export async function startServer(context: ServerContext): Promise<ListeningServer> {
  const { config, folder, disk, clock, random, logger, identity } = context;
  const gossip = new LateGossipView();
  let transport: RpcTransport | null = null;
  const server = new Server({
    config: {
      name: identity.node,
      datacenter: config.datacenter,
      expect: config.bootstrapExpect,
      consensus: { tickMs: tickMs * config.raftMultiplier },
      reconcile: { reconnectTimeoutMs: config.reconnectTimeoutMs },
      retention: { eventsMax: config.eventsKeptMax, ageMs: config.eventsKeptMs },
    },
    disk,
    folder,
    clock,
    random,
    gossip,
    hasTriedToJoin: () => context.hasTriedToJoin(),
    logger,
    transport: (host) => {
      transport = new RpcTransport(context, host);
      return transport;
    },
    defer: setImmediate,
    onHalt: (error) => context.onHalt(error),
  });
  const address = { host: config.advertise.host, port: (await transport!.listen()).port };
  return {
    address,
    join: async (membership) => {
      gossip.attach(membership);
      // What has decayed on the disk is found now and fetched from others, not when somebody reads there.
      server.onCluster(({ events }) => {
        events
          .verify()
          .catch((error: unknown) => logger.warn(`the event log was not verified: ${messageOf(error)}`));
      });
      await server.start();
      return partOf(server, address);
    },
    stop: () => server.stop(),
  };
}

/** The listener for everybody and the links to the other servers, over one RPC host. */
class RpcTransport implements ServerTransport {
  readonly links: PeerLinks;
  /** The newest connection of each agent, by its node id. */
  readonly #agents = new Map<string, RpcConnection>();
  readonly #own: Pick<Rpc, 'call'>;
  readonly #identity: () => RpcPeer;
  readonly #listener: RpcListener;
  readonly #at: Endpoint;
  readonly #advertised: string;
  #listening: Promise<Endpoint> | null = null;

  constructor(context: ServerContext, host: TransportHost) {
    const { config, clock, random, logger, network } = context;
    this.#at = { host: config.bind.host, port: config.ports.server };
    this.#advertised = config.advertise.host;
    const rpcHost = makeRpcHost({
      clock,
      random,
      network,
      identity: () => host.identity(),
      keys: () => context.keys(),
      handlers: host.handlers,
      defer: process.nextTick,
      onBug: (error, method) => context.onBug(error, method),
    });
    this.#identity = () => host.identity();
    this.#own = ownAgent(context, host);
    this.links = new PeerLinks(rpcHost);
    this.#listener = new RpcListener(rpcHost, {
      at: this.#at,
      onConnection: (connection) => {
        if (connection.peer.kind === 'server') this.links.adopt(connection);
        else this.#keepAgent(connection);
      },
      onRefused: ({ remote, detail }) =>
        logger.warn(`refused ${formatAddress(remote)} on the RPC port: ${detail}`),
    });
  }

  /** Rejects with one line that names the port and its key. */
  listen(): Promise<Endpoint> {
    this.#listening ??= this.#listener.start().catch((error: unknown) => {
      throw cannotListen('server RPC', 'ports.server', this.#at, error);
    });
    return this.#listening;
  }

  async start(): Promise<Endpoint> {
    return { host: this.#advertised, port: (await this.listen()).port };
  }

  agent(nodeId: string): Pick<Rpc, 'call'> | null {
    return nodeId === this.#identity().nodeId ? this.#own : (this.#agents.get(nodeId) ?? null);
  }

  announceCluster(clusterId: string): void {
    this.#listener.announceCluster(clusterId);
  }

  #keepAgent(connection: RpcConnection): void {
    const { nodeId } = connection.peer;
    this.#agents.set(nodeId, connection);
    connection.onLeaving(() => {
      if (this.#agents.get(nodeId) === connection) this.#agents.delete(nodeId);
    });
  }

  async stop(): Promise<void> {
    await this.links.stop();
    await this.#listener.stop(drainMs);
  }
}

/** The agent of this very host, without a wire. */
function ownAgent({ callbacks }: ServerContext, host: TransportHost): Pick<Rpc, 'call'> {
  return {
    call: async (method, params) => {
      const handler = callbacks.calls?.[method];
      if (handler === undefined) throw new ExpectedError('PROTOCOL', `an agent has no method ${method}`);
      return handler(params as never, host.identity()) as never;
    },
  };
}

function partOf(server: Server, address: Endpoint): ServerPart {
  return {
    rpc: server.localRpc(),
    address,
    isLeader: () => server.consensus?.replica.isLeader === true,
    hasLeader: () => (server.consensus?.replica.standing.leader ?? null) !== null,
    raftStatus: () => shownStanding(server),
    leave: () => server.leave(),
  };
}

/** With Consul's names where Consul has the number, since it stands in `/v1/agent/self` as well. */
function shownStanding(server: Server): Readonly<Record<string, unknown>> {
  const { consensus } = server;
  if (consensus === null) return { state: 'None' };
  const { replica, events, fsm, seed } = consensus;
  const { role, term, leader, commit, applied, lastIndex, membership } = replica.status();
  const nameOf = (id: string) => fsm.state.catalog.nodes().find((node) => node.id === id)?.name ?? id;
  return {
    state: role.replace(/^./, (letter) => letter.toUpperCase()),
    term,
    leader: leader === null ? '' : nameOf(leader),
    last_log_index: lastIndex,
    commit_index: commit,
    applied_index: applied,
    num_peers: membership.voters.filter((id) => id !== server.id).length,
    voters: membership.voters.map(nameOf),
    learners: membership.learners.map(nameOf),
    first_offset: events.first,
    last_offset: events.last,
    cluster_id: seed.clusterId,
    log_id: seed.logId,
  };
}
