/**
 * A server: an agent that votes. Starts its parts in order and stops them in reverse.
 *
 *     RPC (others must reach us) ──▶ seed on disk? ── no ──▶ bootstrap ──▶ seed ──▶ consensus ──▶ duties when it leads
 *                                        └──────────────────── yes ─────────────────────┘
 *
 * It knows its parts and the order of their lives, and decides nothing else.
 */
import { setMaxListeners } from 'node:events';
import { formatAddress, parseAddress } from '../proto/address.ts';
import { ExpectedError, isExpected, messageOf } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { Clock, Disk, Endpoint, Random } from '../proto/ports.ts';
import type { Entry, ServerId } from '../proto/raft.ts';
import type { ClusterSeed, Rpc, RpcHandlers, RpcPeer } from '../proto/rpc.ts';
import { commandLevel } from '../proto/version.ts';
import { Bootstrap } from './bootstrap.ts';
import { Consensus, type ConsensusFolders, type ConsensusLimits } from './consensus.ts';
import { Duties, type DutiesLimits } from './duties.ts';
import { EventBackfill } from './event-backfill.ts';
import type { Applied, Fsm } from './fsm/fsm.ts';
import { type GossipView, isThere } from './gossip-view.ts';
import { handOver } from './hand-over.ts';
import { LeaderDoor } from './leader-door.ts';
import type { Standing } from './raft/ready.ts';
import { isRecovering } from './recover.ts';
import { localRpc } from './rpc/local.ts';
import { makeHandlers } from './rpc/methods/index.ts';
import type { ServerFolder, ServerTransport, TransportHost } from './server-ports.ts';

export type { ServerFolder, ServerLinks, ServerTransport, TransportHost } from './server-ports.ts';

export interface ServerConfig extends DutiesLimits {
  readonly name: string;
  readonly datacenter: string;
  /** `bootstrap_expect`; 0: never begins a cluster. */
  readonly expect: number;
  /** Where others reach our RPC, when that is not where it listens. */
  readonly advertise?: Endpoint;
  readonly consensus?: Partial<ConsensusLimits>;
  /** What it announces that it can apply. Default: what it can. */
  readonly commandLevel?: number;
  /** How long a request waits for a leader. Default 7,000. */
  readonly holdMs?: number;
}

export interface ServerPorts {
  readonly config: ServerConfig;
  readonly disk: Disk;
  readonly folder: ServerFolder;
  readonly clock: Clock;
  readonly random: Random;
  readonly gossip: GossipView;
  /** Whether those that this host was told to join have been asked once; absent where there is nobody to ask. */
  readonly hasTriedToJoin?: () => boolean;
  readonly logger: Logger;
  readonly transport: (host: TransportHost) => ServerTransport;
  /** The end of this turn of the event loop; production passes `setImmediate`. */
  defer(run: () => void): void;
  /** This server can go on no longer: the agent should stop and say why. */
  onHalt(error: Error): void;
  /** For checkers and metrics: what each entry did. */
  onApplied?(entry: Entry, applied: Applied, fsm: Fsm): void;
}

/** A server that gave up its vote is about to stop; one that is still there after so long is taken in again. */
const leaveMs = 60_000;
/** Of an address in the membership that names none. */
const defaultPort = 8300;

/** Beside format, node id and cluster id in `meta.json`. */
const seedKey = 'seed';

export class Server {
  readonly #ports: ServerPorts;
  readonly #transport: ServerTransport;
  readonly #bootstrap: Bootstrap;
  readonly #handlers: RpcHandlers;
  readonly #stopping = new AbortController();
  readonly #onCluster = new Set<(consensus: Consensus) => void>();
  #address: Endpoint | null = null;
  #consensus: Consensus | null = null;
  #duties: Duties | null = null;
  #backfill: EventBackfill | null = null;
  #leftMs = Number.NEGATIVE_INFINITY;
  #stopGossip: () => void = () => {};

  constructor(ports: ServerPorts) {
    this.#ports = ports;
    const { clock, config } = ports;
    // Each stream that is read waits for it as well; Node takes more than ten for a leak.
    setMaxListeners(0, this.#stopping.signal);
    const rpc = (id: ServerId): Rpc => this.#transport.links.rpc(id);
    const consensus = () => this.#consensus;
    const door = new LeaderDoor({ id: this.id, clock, consensus, rpc }, config.holdMs);
    this.#handlers = makeHandlers({
      id: this.id,
      clock,
      door,
      consensus,
      duties: () => this.#duties,
      others: () => this.#others(),
      rpc,
      agent: (nodeId) => this.#transport.agent(nodeId),
      bootstrapStatus: () => ({
        ...this.#bootstrap.status(),
        joins: this.#ports.clock.nowMs() - this.#leftMs >= leaveMs,
        level: this.#commandLevel,
        damaged: this.#consensus?.isDamaged ?? false,
      }),
      take: (seed) => this.#bootstrap.take(seed),
      refill: (seed) => this.#refill(seed),
      stopping: this.#stopping.signal,
    });
    this.#transport = ports.transport({ handlers: this.#handlers, identity: () => this.#identity() });
    this.#bootstrap = this.#makeBootstrap(rpc);
  }

  get id(): ServerId {
    return this.#ports.folder.meta.nodeId;
  }

  /** '' while this server is in no cluster. */
  get clusterId(): string {
    return this.#seed()?.clusterId ?? '';
  }

  /** Log, state machine and events; null while this server is in no cluster. */
  get consensus(): Consensus | null {
    return this.#consensus;
  }

  /** Where others reach our RPC. */
  get address(): Endpoint {
    const address = this.#ports.config.advertise ?? this.#address;
    if (address === null) throw new ExpectedError('STOPPING', 'this server does not listen yet');
    return address;
  }

  /** For the agent of the same process: the same methods, without a wire. */
  localRpc(): Rpc {
    return localRpc(this.#handlers, { ...this.#identity(), kind: 'agent' }, this.#ports.clock);
  }

  /** Rejects with what keeps it from starting: a port in use, a disk that cannot be written, damage, a foreign folder. */
  async start(): Promise<void> {
    if (isRecovering(this.#ports.folder)) {
      throw new ExpectedError(
        'DISK_DAMAGED',
        'a recovery was cut off: run `rollcall operator recover` again',
      );
    }
    this.#address = await this.#transport.start();
    const seed = this.#seed();
    if (seed !== null) await this.#enter(seed);
    this.#stopGossip = this.#ports.gossip.onChange(({ member }) => {
      if (member.server !== null) this.#followAddresses();
    });
    this.#followAddresses();
    this.#bootstrap.start();
  }

  /** Calls back once with the cluster, at once when there is one already. */
  onCluster(listener: (consensus: Consensus) => void): void {
    if (this.#consensus !== null) listener(this.#consensus);
    else this.#onCluster.add(listener);
  }

  /** Hands leadership over, stays a voter, keeps everything. */
  async stop(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#bootstrap.stop();
    this.#stopGossip();
    const consensus = this.#consensus;
    if (consensus?.replica.isLeader) await this.#giveUpLeadership(consensus);
    this.#stopping.abort();
    this.#duties?.follow();
    await this.#backfill?.stop();
    await consensus?.stop();
    await this.#transport.stop();
  }

  /** Gives up the vote: the others forget this server. Rejects with QUORUM when they would be too few. */
  async leave(): Promise<void> {
    if (this.#consensus === null) return;
    this.#leftMs = this.#ports.clock.nowMs();
    try {
      await this.localRpc().call('server.leave', { nodeId: this.id });
    } catch (error) {
      this.#leftMs = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  #makeBootstrap(rpc: (id: ServerId) => Rpc): Bootstrap {
    const { config, gossip, clock, random, logger, hasTriedToJoin = () => true } = this.#ports;
    const { name, datacenter, expect } = config;
    return new Bootstrap({
      identity: { nodeId: this.id, name, datacenter, expect },
      gossip,
      clock,
      random,
      logger,
      address: () => this.address,
      hasTriedToJoin,
      seed: () => this.#seed(),
      store: (seed) => this.#store(seed),
      rpc,
    });
  }

  get #commandLevel(): number {
    return this.#ports.config.commandLevel ?? commandLevel;
  }

  #identity(): RpcPeer {
    const { name } = this.#ports.config;
    return {
      nodeId: this.id,
      node: name,
      kind: 'server',
      clusterId: this.clusterId,
      formerly: this.#seed()?.formerly ?? [],
    };
  }

  #seed(): ClusterSeed | null {
    return (this.#ports.folder.meta[seedKey] as ClusterSeed | undefined) ?? null;
  }

  async #store(seed: ClusterSeed): Promise<void> {
    await this.#ports.folder.update({ clusterId: seed.clusterId, [seedKey]: seed });
    try {
      await this.#enter(seed);
    } catch (error) {
      this.#halt(error);
    }
  }

  async #enter(seed: ClusterSeed): Promise<void> {
    const { disk, clock, random, logger, gossip, config, defer } = this.#ports;
    const { links } = this.#transport;
    const { name, datacenter } = config;
    const consensus = await Consensus.open(
      seed,
      {
        id: this.id,
        disk,
        folders: this.#folders(),
        clock,
        random,
        logger,
        send: (to, messages) => links.send(to, messages),
        rpc: (server) => links.rpc(server),
        defer,
        onHalt: (error) => this.#halt(error),
        onApplied: (entry, applied, fsm) => this.#ports.onApplied?.(entry, applied, fsm),
      },
      config.consensus,
    );
    this.#consensus = consensus;
    this.#duties = new Duties(
      {
        id: this.id,
        name,
        datacenter,
        consensus,
        gossip,
        clock,
        logger,
        commandLevel: this.#commandLevel,
        rpc: (server) => links.rpc(server),
      },
      config,
    );
    this.#transport.announceCluster(seed.clusterId);
    consensus.replica.onStanding((standing) => this.#onStanding(standing));
    consensus.replica.start();
    this.#backfill = this.#makeBackfill(consensus);
    this.#backfill.start();
    this.#followAddresses();
    for (const listener of this.#onCluster) listener(consensus);
    this.#onCluster.clear();
  }

  #folders(): ConsensusFolders {
    const { folder } = this.#ports;
    return {
      raft: folder.part('raft'),
      events: folder.part('events'),
      snapshots: folder.part('snapshots'),
    };
  }

  /** The log is damaged and the others have forgotten us: we begin anew, as a server that was never there. */
  async #refill(seed: ClusterSeed): Promise<void> {
    const consensus = this.#consensus;
    if (!consensus?.isDamaged || seed.clusterId !== this.clusterId) {
      throw new ExpectedError('BAD_REQUEST', 'the log of this server is sound');
    }
    this.#ports.logger.warn('the damaged log is removed; the other servers bring a sound one');
    this.#consensus = null;
    await this.#backfill?.stop();
    await consensus.stop();
    await Consensus.wipe(this.#ports.disk, this.#folders());
    await this.#enter(seed);
  }

  #makeBackfill({ events }: Consensus): EventBackfill {
    const { clock, logger } = this.#ports;
    const rpc = (id: ServerId) => this.#transport.links.rpc(id);
    return new EventBackfill({ events, clock, logger, others: () => this.#others(), rpc });
  }

  /** All other servers, the leader first. */
  #others(): ServerId[] {
    const { fsm, replica } = this.#consensus ?? {};
    const leader = replica?.standing.leader ?? null;
    const others = [...(fsm?.state.servers.keys() ?? [])].filter((id) => id !== this.id).sort();
    return others.sort((a, b) => Number(b === leader) - Number(a === leader));
  }

  #onStanding(standing: Standing): void {
    const { logger } = this.#ports;
    this.#followAddresses();
    this.#duties?.onStanding(standing);
    if (standing.role === 'leader') logger.info(`this server leads in term ${standing.term}`);
    else if (standing.leader !== null) {
      logger.info(`server ${standing.leader} leads in term ${standing.term}`);
    }
  }

  /** Gossip knows best where a server is; the membership remembers where it was. */
  #followAddresses(): void {
    const addresses = new Map<ServerId, Endpoint>();
    const { membership } = this.#consensus?.replica.status() ?? {};
    for (const [id, text] of Object.entries(membership?.addresses ?? {})) {
      if (text !== '') addresses.set(id, parseAddress(text, defaultPort));
    }
    for (const member of this.#ports.gossip.members()) {
      if (member.server !== null && isThere(member)) addresses.set(member.id, member.server.rpc);
    }
    for (const [id, address] of addresses) {
      if (id !== '' && id !== this.id) this.#transport.links.setAddress(id, address);
    }
  }

  async #giveUpLeadership({ replica }: Consensus): Promise<void> {
    try {
      await handOver(replica, this.#ports.clock);
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#ports.logger.info(`leadership was not handed over: ${messageOf(error)}`);
    }
  }

  #halt(error: unknown): void {
    this.#duties?.follow();
    this.#ports.logger.error(`server ${formatAddress(this.address)} stops: ${messageOf(error)}`);
    this.#ports.onHalt(error instanceof Error ? error : new Error(messageOf(error)));
  }
}
