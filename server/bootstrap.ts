/**
 * How a cluster begins, once. Servers with an empty disk look for each other in gossip; when as many as all of them expect
 * are there, agree on who that is, and nobody knows of a cluster, the one with the lowest node id writes the seed down
 * (cluster id, log id, first voters) and hands it to the others.
 *
 *     empty disk ──▶ N servers in view? ──▶ lowest id? ──▶ all N see the same N, none has a cluster ──▶ seed
 *          ▲                                                                                             │
 *          └───────────── somebody hands us a seed: taken once, before it is answered ◀──────────────────┘
 *
 * A crash at any point leaves either no seed, or one on some disks; whoever holds it goes on handing it out.
 */

import { formatAddress } from '../proto/address.ts';
import { isExpected, messageOf } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { Clock, Endpoint, Random, Timer } from '../proto/ports.ts';
import type { ServerId } from '../proto/raft.ts';
import type { BootstrapStatus, ClusterSeed, Rpc } from '../proto/rpc.ts';
import { makeUuid } from '../proto/uuid.ts';
import { type GossipMember, type GossipView, isThere } from './gossip-view.ts';

export interface BootstrapIdentity {
  readonly nodeId: ServerId;
  readonly name: string;
  readonly datacenter: string;
  /** 0: this server never begins a cluster, it waits to be taken into one. */
  readonly expect: number;
}

export interface BootstrapPorts {
  readonly identity: BootstrapIdentity;
  readonly gossip: GossipView;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where this server's own RPC is reached. */
  address(): Endpoint;
  /** Whether those that this host was told to join have been asked once: a cluster may exist behind them. */
  hasTriedToJoin(): boolean;
  /** The seed on disk, or null. */
  seed(): ClusterSeed | null;
  /** Durable when it resolves; the server is in the cluster from then on. Never called twice. */
  store(seed: ClusterSeed): Promise<void>;
  rpc(server: ServerId): Rpc;
}

/** How often a server without a cluster looks around, in milliseconds. */
const lookMs = 200;
/** How often the seed is offered to a first voter that does not answer. */
const offerMs = 500;
const callTimeoutMs = 2_000;
/** A reason why there is no cluster yet is repeated for people so often at most. */
const sayMs = 10_000;

export class Bootstrap {
  readonly #ports: BootstrapPorts;
  #timer: Timer | null = null;
  #storing: Promise<void> | null = null;
  #stopped = false;
  #said = { reason: '', atMs: Number.NEGATIVE_INFINITY };

  constructor(ports: BootstrapPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#timer = this.#ports.clock.after(0, () => void this.#run());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** For `bootstrap.status`, without what is not ours to know. */
  status(): Omit<BootstrapStatus, 'damaged' | 'joins' | 'level'> {
    const { nodeId, name, datacenter, expect } = this.#ports.identity;
    return {
      nodeId,
      name,
      datacenter,
      expect,
      address: formatAddress(this.#ports.address()),
      clusterId: this.#ports.seed()?.clusterId ?? '',
      sees: this.#visible(),
    };
  }

  /** For `bootstrap.take`: the first seed is kept, and whichever cluster we have then is the answer. */
  async take(seed: ClusterSeed): Promise<{ clusterId: string }> {
    if (this.#ports.seed() === null) await (this.#storing ?? this.#store(seed));
    return { clusterId: this.#ports.seed()?.clusterId ?? '' };
  }

  async #run(): Promise<void> {
    if (this.#ports.seed() === null) await this.#look();
    const seed = this.#ports.seed();
    const isDone = seed !== null && (await this.#handOut(seed));
    if (this.#stopped || isDone) return;
    this.#timer = this.#ports.clock.after(seed === null ? lookMs : offerMs, () => void this.#run());
  }

  /** Begins a cluster when it is on us to do so. */
  async #look(): Promise<void> {
    const { nodeId, expect } = this.#ports.identity;
    if (expect === 0) return this.#say('bootstrap_expect is not set: waiting to be taken into a cluster');
    const first = this.#visible().slice(0, expect);
    if (first.length < expect)
      return this.#say(
        [`waiting for servers: ${first.length} of ${expect} are in view`, ...this.#misfits()].join('; '),
      );
    if (first[0] !== nodeId) return;
    if (!this.#ports.hasTriedToJoin())
      return this.#say('waiting for the first attempt to join: a cluster may be there already');
    const statuses = await this.#askAll();
    const objection = statuses === null ? 'not all servers in view answer' : this.#objection(statuses, first);
    if (objection !== null) return this.#say(`no cluster is begun: ${objection}`);
    // A seed may have come while the others were asked.
    if (this.#ports.seed() !== null || this.#storing !== null || this.#stopped) return;
    await this.#store({
      clusterId: makeUuid(this.#ports.random),
      logId: makeUuid(this.#ports.random),
      voters: first.map((id) => ({ id, address: this.#addressOf(id, statuses!) })),
    });
  }

  /** All other servers in view, or null when one of them does not answer: it might know of a cluster. */
  async #askAll(): Promise<Map<ServerId, BootstrapStatus> | null> {
    const others = this.#servers().filter((member) => member.id !== this.#ports.identity.nodeId);
    try {
      const answers = await Promise.all(others.map((member) => this.#ask(member.id)));
      return new Map(answers.map((answer) => [answer.nodeId, answer]));
    } catch (error) {
      if (!isExpected(error)) throw error;
      return null;
    }
  }

  #objection(statuses: ReadonlyMap<ServerId, BootstrapStatus>, first: readonly ServerId[]): string | null {
    const { nodeId, expect, datacenter } = this.#ports.identity;
    for (const status of statuses.values()) {
      if (status.clusterId !== '')
        return `${status.name} is in cluster ${status.clusterId}, which will take us in`;
    }
    for (const id of first) {
      const status = statuses.get(id);
      if (id === nodeId) continue;
      if (status === undefined) return `${id} does not answer under its id`;
      if (status.expect !== expect) return `${status.name} expects ${status.expect} servers, not ${expect}`;
      if (status.datacenter !== datacenter) return `${status.name} is in datacenter ${status.datacenter}`;
      if (first.some((each, i) => each !== status.sees[i])) return `${status.name} sees other servers`;
    }
    return null;
  }

  /** True when every first voter has this seed or has gone into another cluster. */
  async #handOut(seed: ClusterSeed): Promise<boolean> {
    const { nodeId } = this.#ports.identity;
    const others = seed.voters.filter(({ id }) => id !== nodeId);
    const results = await Promise.all(others.map(({ id }) => this.#offer(id, seed)));
    return results.every((isSettled) => isSettled);
  }

  async #offer(id: ServerId, seed: ClusterSeed): Promise<boolean> {
    // Whoever is away asks again itself when it is back, or is asked then.
    if (!this.#servers().some((member) => member.id === id)) return false;
    try {
      const { clusterId } = await this.#ports
        .rpc(id)
        .call('bootstrap.take', seed, { timeoutMs: callTimeoutMs });
      if (clusterId !== seed.clusterId) {
        this.#ports.logger.error(
          `server ${id} was to begin with us and is in cluster ${clusterId}, not ${seed.clusterId}`,
        );
      }
      return true;
    } catch (error) {
      if (!isExpected(error)) throw error;
      return isExpected(error, 'FOREIGN_CLUSTER');
    }
  }

  #ask(id: ServerId): Promise<BootstrapStatus> {
    return this.#ports.rpc(id).call('bootstrap.status', {}, { timeoutMs: callTimeoutMs });
  }

  async #store(seed: ClusterSeed): Promise<void> {
    this.#storing = this.#ports.store(seed);
    try {
      await this.#storing;
      this.#ports.logger.info(`in cluster ${seed.clusterId}, which began with voters: ${seed.voters.length}`);
    } catch (error) {
      this.#ports.logger.error(`the cluster id could not be written: ${messageOf(error)}`);
    } finally {
      this.#storing = null;
    }
  }

  /** Servers that gossip believes alive, this one included, by id. */
  #servers(): readonly GossipMember[] {
    return this.#ports.gossip
      .members()
      .filter((member) => member.server !== null && member.id !== '' && isThere(member))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Ids of those that expect what we expect, where we expect it. */
  #visible(): ServerId[] {
    const { nodeId, expect, datacenter } = this.#ports.identity;
    const others = this.#servers().filter(
      (member) =>
        member.id !== nodeId && member.server?.expect === expect && member.datacenter === datacenter,
    );
    return [...others.map((member) => member.id), nodeId].sort();
  }

  /** Servers in view that do not count with ours, and why. */
  #misfits(): string[] {
    const { expect, datacenter } = this.#ports.identity;
    return this.#servers().flatMap((member) => {
      if (member.datacenter !== datacenter) return [`${member.name} is in datacenter ${member.datacenter}`];
      const theirs = member.server?.expect ?? 0;
      // Without a number of its own it waits to be taken into whatever we begin.
      return theirs === expect || theirs === 0 ? [] : [`${member.name} expects ${theirs} servers`];
    });
  }

  #addressOf(id: ServerId, statuses: ReadonlyMap<ServerId, BootstrapStatus>): string {
    return statuses.get(id)?.address ?? formatAddress(this.#ports.address());
  }

  #say(reason: string): void {
    const nowMs = this.#ports.clock.nowMs();
    if (reason === this.#said.reason && nowMs - this.#said.atMs < sayMs) return;
    this.#said = { reason, atMs: nowMs };
    this.#ports.logger.info(reason);
  }
}
