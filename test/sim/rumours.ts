/**
 * Gossip as the servers' simulation needs it: the truth, late, and now and then a lie. Each process has a view of its own;
 * whoever it cannot reach, directly or through one other, fails after a while and is alive again soon after it can.
 * (The real gossip core has a simulation of its own.)
 */
import type { Clock } from '../../proto/ports.ts';
import type { GossipMember, GossipNews, GossipView, ServerTags } from '../../server/gossip-view.ts';
import type { SimHost } from './host.ts';
import type { VirtualNetwork } from './network.ts';
import type { SeededRandom } from './random.ts';

/** Somebody who takes part in gossip. */
export interface Gossiper {
  readonly host: SimHost;
  /** Uuid of its data folder. */
  readonly id: string;
  readonly server: ServerTags | null;
}

export interface RumourOptions {
  /** Silence after which a member counts as failed. */
  readonly suspicionMs: number;
}

/** Time between two looks of one process at all others. */
const lookMs = 400;

export class Rumours {
  readonly #clock: Clock;
  readonly #network: VirtualNetwork;
  readonly #random: SeededRandom;
  readonly #options: RumourOptions;
  readonly gossipers: Gossiper[] = [];

  constructor(clock: Clock, network: VirtualNetwork, random: SeededRandom, options: RumourOptions) {
    this.#clock = clock;
    this.#network = network;
    this.#random = random;
    this.#options = options;
  }

  /** What the process that runs on this host now gets to hear; it ends with the process. */
  listen(self: Gossiper): SimView {
    const view = new SimView(self);
    const { host } = self;
    const life = host.lives;
    const look = () => {
      if (host.lives !== life || !host.up) return;
      if (host.running) this.#update(view);
      this.#clock.after(lookMs * this.#random.between(0.5, 1.5), look);
    };
    this.#update(view);
    this.#clock.after(lookMs * this.#random.unit(), look);
    return view;
  }

  #update(view: SimView): void {
    const nowMs = this.#clock.nowMs();
    for (const gossiper of this.gossipers) {
      const reached = gossiper.host === view.self.host || this.#reaches(view.self.host, gossiper.host);
      if (reached) view.heard(gossiper, nowMs);
      else view.silent(gossiper, nowMs, this.#options.suspicionMs);
    }
  }

  #reaches(from: SimHost, to: SimHost): boolean {
    if (!to.running) return false;
    if (this.#bothWays(from, to)) return true;
    return this.gossipers.some(
      ({ host }) => host.running && this.#bothWays(from, host) && this.#bothWays(host, to),
    );
  }

  #bothWays(a: SimHost, b: SimHost): boolean {
    return this.#network.reaches(a.site, b.site) && this.#network.reaches(b.site, a.site);
  }
}

interface Belief {
  member: GossipMember;
  heardMs: number;
}

export class SimView implements GossipView {
  readonly self: Gossiper;
  readonly #beliefs = new Map<string, Belief>();
  readonly #listeners = new Set<(news: GossipNews) => void>();
  #members: readonly GossipMember[] | null = null;

  constructor(self: Gossiper) {
    this.self = self;
  }

  members(): readonly GossipMember[] {
    this.#members ??= [...this.#beliefs.values()].map(({ member }) => member);
    return this.#members;
  }

  member(name: string): GossipMember | undefined {
    return this.#beliefs.get(name)?.member;
  }

  onChange(listener: (news: GossipNews) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  heard(gossiper: Gossiper, nowMs: number): void {
    const { host, id, server } = gossiper;
    const belief = this.#beliefs.get(host.name);
    if (belief !== undefined) belief.heardMs = nowMs;
    const member = belief?.member;
    if (member?.state === 'alive' && member.id === id && member.incarnation === host.lives) return;
    this.#believe(nowMs, {
      name: host.name,
      id,
      host: host.site,
      datacenter: 'dc1',
      state: 'alive',
      incarnation: host.lives,
      server,
    });
  }

  silent({ host }: Gossiper, nowMs: number, suspicionMs: number): void {
    const belief = this.#beliefs.get(host.name);
    if (belief === undefined || belief.member.state !== 'alive') return;
    if (nowMs - belief.heardMs >= suspicionMs) this.accuse(host.name);
  }

  /** Believes that a member has failed, rightly or not. */
  accuse(name: string): void {
    const belief = this.#beliefs.get(name);
    if (belief === undefined) return;
    this.#believe(belief.heardMs, { ...belief.member, state: 'failed' });
  }

  #believe(heardMs: number, member: GossipMember): void {
    this.#beliefs.set(member.name, { member, heardMs });
    this.#members = null;
    for (const listener of this.#listeners) listener({ member, dossier: null });
  }
}
