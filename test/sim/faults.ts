/**
 * What can happen to a cluster, one fault after the other, drawn from the seed. Most end by themselves after a while; in
 * the second act `heal` ends all of them.
 */

import { drawWeather, type FaultClass } from './configuration.ts';
import type { CrashKind } from './disk.ts';
import { strikeAgents } from './faults-agents.ts';
import { strikeMembership } from './faults-membership.ts';
import { strand, strikeNetwork } from './faults-network.ts';
import type { SeededRandom } from './random.ts';
import type { ServerCluster } from './server-cluster.ts';
import type { SimServer } from './sim-server.ts';

/** What a kind of fault may use. */
export interface FaultTools {
  readonly cluster: ServerCluster;
  readonly random: SeededRandom;
  /** Runs after a while, unless peace has come. */
  later(fromMs: number, toMs: number, run: () => void): void;
}

export class Faults {
  readonly #cluster: ServerCluster;
  readonly #random: SeededRandom;
  readonly #tools: FaultTools;
  /** How many there were, by class. */
  readonly struck = new Map<FaultClass, number>();
  #over = false;

  constructor(cluster: ServerCluster) {
    this.#cluster = cluster;
    this.#random = cluster.random.fork('faults');
    this.#tools = {
      cluster,
      random: this.#random,
      later: (fromMs, toMs, run) => {
        cluster.clock.after(this.#random.between(fromMs, toMs), () => {
          if (!this.#over) run();
        });
      },
    };
  }

  get count(): number {
    return [...this.struck.values()].reduce((sum, count) => sum + count, 0);
  }

  start(): void {
    const { firstFaultMs, faultEveryMs, faults } = this.#cluster.configuration;
    const strike = () => {
      const name = this.#random.pick(faults);
      const what = this.#strike(name);
      if (what !== null) {
        this.struck.set(name, (this.struck.get(name) ?? 0) + 1);
        this.#cluster.tell(`${name}: ${what}`);
      }
      this.#tools.later(0, 2 * faultEveryMs, strike);
    };
    this.#tools.later(firstFaultMs, firstFaultMs + faultEveryMs, strike);
  }

  /** No more faults; everything goes back to normal for everybody but those in `except`, who stay as they are. */
  heal(except: readonly SimServer[]): void {
    this.#over = true;
    const cluster = this.#cluster;
    cluster.network.heal();
    cluster.network.weather = drawWeather(this.#random, 0.05);
    for (const server of cluster.servers) {
      server.onSend = null;
      server.host.disk.onOperation = null;
      server.host.disk.slowMs = 0;
      server.host.disk.failures.length = 0;
      server.host.disk.release();
      if (except.includes(server)) continue;
      server.host.resume();
      server.host.drag(1);
      if (server.isLeaving) server.host.kill();
      if (!server.host.up) server.start();
    }
    for (const agent of cluster.agents) {
      agent.host.disk.slowMs = 0;
      agent.host.disk.release();
      agent.host.resume();
      if (!agent.host.up) agent.start();
    }
  }

  /** What was done, in words; null when it could not be done now. */
  #strike(name: FaultClass): string | null {
    switch (name) {
      case 'weather':
      case 'partition':
        return strikeNetwork(this.#tools, name);
      case 'crash':
        return this.#crash();
      case 'trap':
        return this.#setTrap();
      case 'pause':
        return this.#pause();
      case 'strand':
        return strand(this.#tools);
      case 'disk':
        return this.#hurtDisk();
      case 'clock':
        return this.#setClock();
      case 'membership':
        return strikeMembership(this.#tools);
      case 'snapshot':
        return this.#takeSnapshots();
      case 'gossip':
        return this.#slander();
      case 'agents':
        return strikeAgents(this.#tools);
    }
  }

  /** One server, some, a majority or all of them; the process only, or the machine with what was not synced. */
  #crash(): string | null {
    const up = this.#cluster.servers.filter(({ host }) => host.up);
    if (up.length === 0) return null;
    const count = this.#random.chance(0.6) ? 1 : this.#random.int(1, up.length + 1);
    const victims = this.#random.shuffle(up).slice(0, count);
    if (count === 1 && this.#random.chance(0.4)) victims[0] = this.#cluster.leader ?? victims[0]!;
    const how = this.#random.pick(['kill', 'all', 'some', 'torn'] as const);
    for (const victim of victims) this.#end(victim, how);
    return `${victims.map(({ name }) => name).join(' ')} ${how === 'kill' ? 'killed' : `lost power (${how})`}`;
  }

  #end(victim: SimServer, how: CrashKind | 'kill'): void {
    victim.onSend = null;
    victim.host.disk.onOperation = null;
    if (how === 'kill') victim.host.kill();
    else victim.host.crash(how);
    this.#tools.later(10, this.#random.pick([500, 3_000, 10_000]), () => {
      if (!victim.host.up && this.#cluster.servers.includes(victim)) victim.start();
    });
  }

  /** Crashes at a step: before one of the next operations of the disk, or between two messages. */
  #setTrap(): string | null {
    const victim = this.#upServer();
    if (victim === undefined) return null;
    const how = this.#random.pick(['kill', 'all', 'some', 'torn'] as const);
    let left = this.#random.int(0, 25);
    const step = () => {
      left -= 1;
      if (left >= 0) return;
      this.#cluster.tell(`${victim.name} falls into the trap (${how})`);
      this.#end(victim, how);
    };
    const where = this.#random.pick(['disk', 'disk', 'message'] as const);
    // So that it may fall in the middle of one.
    if (where === 'disk' && this.#random.chance(0.5)) victim.consensus?.snapshotter.take();
    if (where === 'disk') victim.host.disk.onOperation = step;
    else victim.onSend = step;
    return `${victim.name} will end at ${where === 'disk' ? 'disk operation' : 'message'} ${left + 1}`;
  }

  #pause(): string | null {
    const victim = this.#runningServer();
    if (victim === undefined) return null;
    const { host } = victim;
    host.pause();
    this.#tools.later(50, this.#random.pick([500, 3_000, 15_000]), () => host.resume());
    return `${victim.name} stands still`;
  }

  #hurtDisk(): string | null {
    const victim = this.#upServer();
    if (victim === undefined) return null;
    const { disk } = victim.host;
    switch (this.#random.int(0, 3)) {
      case 0: {
        disk.slowMs = this.#random.pick([5, 50, 300]);
        this.#tools.later(1_000, 10_000, () => {
          disk.slowMs = 0;
        });
        return `${victim.name} has a slow disk (${disk.slowMs} ms)`;
      }
      case 1:
        disk.hang();
        this.#tools.later(200, 10_000, () => disk.release());
        return `${victim.name}'s disk hangs`;
      default: {
        const name = this.#random.pick(['write', 'sync', 'syncFolder', 'rename', 'open']);
        const code = this.#random.pick(['EIO', 'ENOSPC']);
        victim.host.hurtDisk(name, code);
        // Started again, it goes on with what the disk has; not all that it can read must be on the platter.
        if (this.#random.chance(0.5))
          this.#tools.later(1_000, 6_000, () => victim.host.up && this.#end(victim, 'all'));
        return `${victim.name}'s next ${name} fails with ${code}`;
      }
    }
  }

  #setClock(): string {
    const victim = this.#random.pick(this.#cluster.servers);
    const byMs = this.#random.pick([-3_600_000, -5_000, 5_000, 3_600_000]);
    victim.host.setWall(byMs);
    return `the wall clock of ${victim.name} is set by ${byMs / 1_000} s`;
  }

  /** Snapshots anywhere, and the old events may go. */
  #takeSnapshots(): string {
    const cluster = this.#cluster;
    const { leader } = cluster;
    if (leader !== undefined && this.#random.chance(0.3)) {
      const { replica, events } = leader.consensus!;
      const firstKept = Math.max(1, events.last - this.#random.int(0, 50));
      replica.propose({ kind: 'events.trim', v: 1, firstKept }).catch(() => {});
      return `events before ${firstKept} may go`;
    }
    const takers = this.#random
      .shuffle(cluster.servers)
      .slice(0, this.#random.int(1, cluster.servers.length + 1));
    for (const { consensus } of takers) consensus?.snapshotter.take();
    return `snapshots at ${takers.map(({ name }) => name).join(' ')}`;
  }

  /** Somebody is believed dead, and gossip may be wrong. */
  #slander(): string | null {
    const cluster = this.#cluster;
    const observer = this.#random.chance(0.7) ? cluster.leader : this.#runningServer();
    if (observer?.view == null) return null;
    const victim = this.#random.pick([...cluster.agents, ...cluster.servers]);
    if (victim === observer) return null;
    observer.view.accuse(victim.name);
    return `${observer.name} believes that ${victim.name} has failed`;
  }

  #upServer(): SimServer | undefined {
    const up = this.#cluster.servers.filter(({ host }) => host.up);
    if (up.length === 0) return undefined;
    return this.#random.chance(0.3) ? (this.#cluster.leader ?? up[0]) : this.#random.pick(up);
  }

  #runningServer(): SimServer | undefined {
    const running = this.#cluster.servers.filter(({ host }) => host.running);
    if (running.length === 0) return undefined;
    const { leader } = this.#cluster;
    return this.#random.chance(0.3) && leader?.host.running ? leader : this.#random.pick(running);
  }
}
