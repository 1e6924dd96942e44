/**
 * The leader's care for the servers themselves: newcomers become learners and then voters, a dead voter makes room when
 * somebody is there to take its place, addresses follow their owners. One change at a time, and never one that would
 * leave the cluster without a living majority.
 *
 *     in gossip, in no cluster ──seed──▶ learner ──caught up for 10 s──▶ voter (in the place of a dead one, if there is one)
 */
import { formatAddress } from '../proto/address.ts';
import { ExpectedError, isExpected, messageOf } from '../proto/errors.ts';
import type { Logger } from '../proto/logger.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import type { Membership, ServerId } from '../proto/raft.ts';
import type { ClusterSeed, Rpc } from '../proto/rpc.ts';
import type { KnownServer } from './fsm/state.ts';
import { type GossipMember, type GossipView, isThere } from './gossip-view.ts';
import { Newcomers } from './newcomers.ts';
import type { MembershipTarget } from './raft/raft.ts';
import type { RaftStatus } from './raft/ready.ts';
import { type HealthLimits, isHealthy, objectionTo } from './server-health.ts';

export interface AutopilotPorts {
  readonly id: ServerId;
  readonly seed: ClusterSeed;
  readonly gossip: GossipView;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly replica: AutopilotReplica;
  /** The servers as the state machine knows them: what is committed. */
  servers(): ReadonlyMap<ServerId, KnownServer>;
  /** Servers that an operator removed: they are not taken in again. */
  barred(): ReadonlySet<ServerId>;
  /** Level of commands that the cluster has agreed on. */
  level(): number;
  rpc(server: ServerId): Rpc;
}

/** What is asked of the driver. */
export interface AutopilotReplica {
  readonly isLeader: boolean;
  status(): RaftStatus;
  changeMembership(target: MembershipTarget): { readonly index: number } | { readonly refused: string };
}

export interface AutopilotLimits extends HealthLimits {
  /** Time between two looks. Default 1,000. */
  readonly intervalMs: number;
  /** A newcomer votes when it has been healthy for so long. Default 10,000, as in Consul. */
  readonly stableMs: number;
  /** A server counts as dead when gossip has called it failed for so long. Default 60,000: a restart takes less. */
  readonly deadMs: number;
  /** Entries that a healthy server may lack. Default 250. */
  readonly lagMax: number;
  /** Ticks of silence after which a server is not healthy. Default 5. */
  readonly silentTicksMax: number;
}

export interface ServerHealth {
  readonly id: ServerId;
  readonly address: string;
  readonly voter: boolean;
  /** As gossip sees it. */
  readonly state: string;
  readonly healthy: boolean;
  /** Ticks since it was heard; -1 when it never was. */
  readonly silentTicks: number;
  readonly lastIndex: number;
}

const defaults: AutopilotLimits = {
  intervalMs: 1_000,
  stableMs: 10_000,
  deadMs: 60_000,
  lagMax: 250,
  silentTicksMax: 5,
};

/** How often a change that is waited for is looked at. */
const pollMs = 50;

export class Autopilot {
  readonly #ports: AutopilotPorts;
  readonly #limits: AutopilotLimits;
  #timer: Timer | null = null;
  #leading = false;
  #looking = false;
  /** Since when each learner has been healthy, and each server dead, without a break. */
  readonly #healthySince = new Map<ServerId, number>();
  readonly #deadSince = new Map<ServerId, number>();
  readonly #newcomers: Newcomers;

  constructor(ports: AutopilotPorts, limits: Partial<AutopilotLimits> = {}) {
    this.#ports = ports;
    this.#limits = { ...defaults, ...limits };
    this.#newcomers = new Newcomers(ports);
  }

  lead(): void {
    if (this.#leading) return;
    this.#leading = true;
    this.#schedule(0);
  }

  follow(): void {
    this.#leading = false;
    this.#timer?.cancel();
    this.#healthySince.clear();
    this.#deadSince.clear();
  }

  /** Takes a server's vote and forgets it. Rejects with QUORUM when too few would be left, with NOT_FOUND for a stranger. */
  async remove(id: ServerId): Promise<void> {
    const status = this.#ports.replica.status();
    const { voters, learners } = status.membership;
    if (!voters.includes(id) && !learners.includes(id)) {
      throw new ExpectedError('NOT_FOUND', `${id} is no server of this cluster`);
    }
    const left = voters.filter((voter) => voter !== id);
    const objection = voters.includes(id) ? objectionTo(status, left, this.#limits) : null;
    if (objection !== null) throw new ExpectedError('QUORUM', objection);
    await this.#change({ voters: left, learners: learners.filter((learner) => learner !== id) });
  }

  /**
   * A learner votes from now on, without the wait for 10 stable seconds. Rejects with NOT_FOUND for a stranger, BUSY for
   * one that has not caught up, QUORUM when too few of the new set would be healthy.
   */
  async addVoter(id: ServerId): Promise<void> {
    const status = this.#ports.replica.status();
    const { voters, learners } = status.membership;
    if (voters.includes(id)) return;
    if (!learners.includes(id)) throw new ExpectedError('NOT_FOUND', `${id} is no server of this cluster`);
    const peer = status.peers.find((each) => each.id === id);
    if (peer === undefined || !isHealthy(status, peer, this.#limits)) {
      const lag = Math.max(0, status.commit - (peer?.match ?? 0));
      throw new ExpectedError('BUSY', `${id} is not ready to vote: it is silent or lacks ${lag} entries`);
    }
    const next = [...voters, id];
    const objection = objectionTo(status, next, this.#limits, id);
    if (objection !== null) throw new ExpectedError('QUORUM', objection);
    await this.#change({ voters: next, learners: learners.filter((learner) => learner !== id) });
  }

  /** All servers as the leader sees them. */
  health(): readonly ServerHealth[] {
    const status = this.#ports.replica.status();
    const { voters, learners, addresses } = status.membership;
    return [...voters, ...learners].map((id) => {
      const isSelf = id === status.id;
      const peer = status.peers.find((each) => each.id === id);
      const member = this.#memberOf(id);
      return {
        id,
        address: addresses[id] ?? '',
        voter: voters.includes(id),
        state: isSelf ? 'alive' : (member?.state ?? 'left'),
        healthy: isSelf || (peer !== undefined && isHealthy(status, peer, this.#limits)),
        silentTicks: isSelf ? 0 : (peer?.silentTicks ?? -1),
        lastIndex: isSelf ? status.lastIndex : (peer?.match ?? 0),
      };
    });
  }

  #schedule(delayMs: number): void {
    this.#timer = this.#ports.clock.after(delayMs, () => {
      if (!this.#leading) return;
      this.#schedule(this.#limits.intervalMs);
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      await this.#care();
    } catch (error) {
      if (!isExpected(error)) throw error;
      this.#ports.logger.debug(`a change of the servers has to wait: ${messageOf(error)}`);
    } finally {
      this.#looking = false;
    }
  }

  /**
   * At most one change a look: the next one sees what came of it. What others are asked takes time, and the membership may
   * be another one afterwards: a target is always made from the membership of the very moment in which it is proposed.
   */
  async #care(): Promise<void> {
    const { replica } = this.#ports;
    const status = replica.status();
    if (!replica.isLeader || status.membership.outgoing !== null) return;
    this.#observe(status);
    const target =
      this.#movedTarget(status.membership) ??
      this.#promotedTarget(status) ??
      this.#prunedTarget(status.membership);
    if (target !== null) return this.#change(target);
    const sick = await this.#findSick(status);
    if (sick !== null) return this.#forgetSick(sick);
    const newcomer = await this.#newcomers.find(status.membership);
    if (newcomer !== null) await this.#takeIn(newcomer);
  }

  #observe(status: RaftStatus): void {
    const nowMs = this.#ports.clock.nowMs();
    const healthy = new Set(
      status.peers.filter((peer) => isHealthy(status, peer, this.#limits)).map(({ id }) => id),
    );
    keepSince(
      this.#healthySince,
      status.membership.learners.filter((id) => healthy.has(id)),
      nowMs,
    );
    const { voters, learners } = status.membership;
    const stateOf = (id: ServerId) =>
      id === this.#ports.id ? 'alive' : (this.#memberOf(id)?.state ?? 'left');
    // A voter that said goodbye will be back, and keeps its vote; a learner has none to keep.
    const dead = voters.filter((id) => stateOf(id) === 'failed');
    const gone = learners.filter((id) => stateOf(id) === 'failed' || stateOf(id) === 'left');
    keepSince(this.#deadSince, [...dead, ...gone], nowMs);
  }

  /** Addresses follow their owners; the identity is the id. */
  #movedTarget(membership: Membership): MembershipTarget | null {
    const addresses: Record<ServerId, string> = {};
    for (const id of [...membership.voters, ...membership.learners]) {
      const member = this.#memberOf(id);
      if (member?.server == null || !isThere(member)) continue;
      const address = formatAddress(member.server.rpc);
      if (membership.addresses[id] !== address) addresses[id] = address;
    }
    return Object.keys(addresses).length === 0 ? null : { ...membership, addresses };
  }

  #promotedTarget(status: RaftStatus): MembershipTarget | null {
    const { voters, learners } = status.membership;
    const nowMs = this.#ports.clock.nowMs();
    const [learner] = learners.filter((id) =>
      isOver(this.#healthySince.get(id), this.#limits.stableMs, nowMs),
    );
    if (learner === undefined) return null;
    const [dead] = voters.filter((id) => isOver(this.#deadSince.get(id), this.#limits.deadMs, nowMs));
    const next = [...voters.filter((id) => id !== dead), learner];
    if (objectionTo(status, next, this.#limits, learner) !== null) return null;
    const what = dead === undefined ? 'votes from now on' : `votes from now on, in the place of ${dead}`;
    this.#ports.logger.info(`server ${learner} ${what}`);
    return { voters: next, learners: learners.filter((id) => id !== learner), addresses: {} };
  }

  /** A learner that is gone for long gets no more entries kept for it. */
  #prunedTarget({ voters, learners }: Membership): MembershipTarget | null {
    const nowMs = this.#ports.clock.nowMs();
    const left = learners.filter((id) => !isOver(this.#deadSince.get(id), this.#limits.deadMs, nowMs));
    return left.length === learners.length ? null : { voters, learners: left, addresses: {} };
  }

  /** A server that is there and says nothing in Raft may have a damaged log. */
  async #findSick({ peers }: RaftStatus): Promise<GossipMember | null> {
    for (const { id, silentTicks } of peers) {
      const member = this.#memberOf(id);
      if (silentTicks <= this.#limits.silentTicksMax || member === undefined || !isThere(member)) continue;
      if (await this.#newcomers.isDamaged(id)) return member;
    }
    return null;
  }

  /** What it promised it may have forgotten, so it is forgotten in turn, and comes back as one that never promised anything. */
  async #forgetSick({ id, name }: GossipMember): Promise<void> {
    const status = this.#ports.replica.status();
    const { voters, learners } = status.membership;
    const left = voters.filter((voter) => voter !== id);
    if (voters.includes(id) && objectionTo(status, left, this.#limits) !== null) return;
    this.#ports.logger.warn(`server ${name} has a damaged log and is filled anew`);
    await this.#change({ voters: left, learners: learners.filter((learner) => learner !== id) });
  }

  async #takeIn({ id, name, server }: GossipMember): Promise<void> {
    const { voters, learners } = this.#ports.replica.status().membership;
    if (server === null || voters.includes(id) || learners.includes(id)) return;
    this.#ports.logger.info(`server ${name} joins as a learner`);
    const addresses = { [id]: formatAddress(server.rpc) };
    await this.#change({ voters, learners: [...learners, id], addresses });
  }

  /** Resolves when the change is in force and committed. */
  async #change(target: Omit<MembershipTarget, 'addresses'> & Partial<MembershipTarget>): Promise<void> {
    const { replica, clock, servers } = this.#ports;
    const begun = replica.changeMembership({ addresses: {}, ...target });
    if ('refused' in begun) throw refusalOf(begun.refused);
    const { term: begunTerm } = replica.status();
    for (;;) {
      const { membership, applied, term } = replica.status();
      const leads = replica.isLeader && term === begunTerm;
      const committed = [...servers()].filter(([, server]) => server.voter).map(([id]) => id);
      const isThrough = membership.outgoing === null && sameIds(committed, target.voters);
      // Somebody's next change, which may have come between two looks, begins when this one is committed.
      const isPast = leads && !sameIds(membership.voters, target.voters);
      if (applied >= begun.index && (isThrough || isPast)) return;
      if (!leads) throw new ExpectedError('OUTCOME_UNKNOWN');
      await new Promise<void>((resolve) => clock.after(pollMs, resolve));
    }
  }

  #memberOf(id: ServerId): GossipMember | undefined {
    return this.#ports.gossip.members().find((member) => member.id === id);
  }
}

function refusalOf(reason: string): ExpectedError {
  if (reason === 'notLeader' || reason === 'transferring') return new ExpectedError('NOT_LEADER');
  return new ExpectedError('BUSY', `another change of the servers is under way (${reason})`);
}

function keepSince(since: Map<ServerId, number>, ids: readonly ServerId[], nowMs: number): void {
  for (const id of since.keys()) if (!ids.includes(id)) since.delete(id);
  for (const id of ids) if (!since.has(id)) since.set(id, nowMs);
}

function isOver(sinceMs: number | undefined, durationMs: number, nowMs: number): boolean {
  return sinceMs !== undefined && nowMs - sinceMs >= durationMs;
}

function sameIds(a: readonly ServerId[], b: readonly ServerId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}
