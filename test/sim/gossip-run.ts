/**
 * One life of a gossip cluster, drawn from a seed, in two acts. First everything that networks, hosts and operators do to
 * it; then peace, in which it has to find the truth again: every living member believed alive by all, every dead one
 * failed or left, and no new verdict against anybody who lives.
 */
import type { GossipConfig } from '../../agent/gossip/config.ts';
import { GossipCluster, type SimNode } from './gossip-cluster.ts';
import type { SeededRandom } from './random.ts';

export interface GossipRunOptions {
  readonly seed: number | string;
  readonly nodes: number;
  /** Virtual minutes in all; half of them, and at least one, are peace. */
  readonly minutes: number;
  /** Changes to the profile, for experiments. */
  readonly config?: Partial<GossipConfig>;
}

export interface GossipVerdict {
  readonly ok: boolean;
  /** What is wrong, in words; empty when all is well. */
  readonly failures: readonly string[];
  /** Equal for equal runs. */
  readonly traceHash: string;
  /** What was done to the cluster, in order. */
  readonly story: readonly string[];
  readonly packets: number;
}

const minuteMs = 60_000;
const peaceMsMin = minuteMs;
/** A member that is alone tries the others again this often, as an agent's `retry_join` does. */
const rejoinEveryMs = 10_000;
/** News of the last faults may still be under way for this long after they end. */
const echoMs = 30_000;

export function runGossipSeed(options: GossipRunOptions): GossipVerdict {
  return new GossipRun(options).run();
}

/** The command that repeats a run. */
export function repeatCommand({ seed, nodes, minutes }: GossipRunOptions): string {
  return `npm run sim -- --gossip --seed ${seed} --nodes ${nodes} --minutes ${minutes}`;
}

class GossipRun {
  readonly #options: GossipRunOptions;
  readonly #cluster: GossipCluster;
  readonly #random: SeededRandom;
  readonly #story: string[] = [];
  readonly #leaving = new Set<SimNode>();
  #addresses = 0;

  constructor(options: GossipRunOptions) {
    this.#options = options;
    this.#cluster = new GossipCluster({ seed: options.seed, config: options.config ?? {} });
    this.#random = this.#cluster.random.fork('faults');
  }

  run(): GossipVerdict {
    const { nodes, minutes } = this.#options;
    const peaceMs = Math.max(peaceMsMin, (minutes * minuteMs) / 2);
    const endOfWarMs = Math.max(1, minutes * minuteMs - peaceMs);
    this.#cluster.grow(nodes);
    this.#keepTrying();
    while (this.#cluster.clock.nowMs() < endOfWarMs) {
      this.#cluster.runFor(this.#random.between(500, 8_000));
      this.#strike();
    }
    this.#makePeace();
    const peaceFromMs = this.#cluster.clock.nowMs();
    this.#cluster.runFor(peaceMs);
    const failures = [...this.#wrongBeliefs(), ...this.#lateVerdicts(peaceFromMs + echoMs)];
    const { traceHash, counters } = this.#cluster.network;
    return { ok: failures.length === 0, failures, traceHash, story: this.#story, packets: counters.packets };
  }

  /** One fault. Those that end by themselves are set to end while others go on. */
  #strike(): void {
    const faults = [
      () => this.#changeWeather(),
      () => this.#partition(),
      () => this.#cutOneWay(),
      () => this.#crash(),
      () => this.#crash(),
      () => this.#pause(),
      () => this.#pause(),
      () => this.#leave(),
    ];
    this.#random.pick(faults)();
  }

  #changeWeather(): void {
    const { network } = this.#cluster;
    const delayMinMs = this.#random.between(0.1, 20);
    network.weather = {
      lossShare: this.#random.between(0, 0.3),
      duplicateShare: this.#random.between(0, 0.1),
      delayMinMs,
      delayMaxMs: delayMinMs + this.#random.between(0, 150),
    };
    this.#tell(
      `weather: ${Math.round(network.weather.lossShare * 100)} % lost, up to ${Math.round(network.weather.delayMaxMs)} ms`,
    );
  }

  #partition(): void {
    const { network, nodes } = this.#cluster;
    const islands = this.#random.int(2, 4);
    const parts: string[][] = Array.from({ length: islands }, () => []);
    for (const node of nodes) this.#random.pick(parts).push(node.endpoint.host);
    network.partition(parts);
    this.#tell(`${islands} islands of ${parts.map((part) => part.length).join(', ')}`);
    this.#later(2_000, 40_000, 'the islands meet', () => network.heal());
  }

  #cutOneWay(): void {
    const { network, nodes } = this.#cluster;
    const deaf = this.#random.pick(nodes);
    const others = this.#random.shuffle(nodes).slice(0, this.#random.int(1, nodes.length));
    for (const other of others) network.cut(other.endpoint.host, deaf.endpoint.host);
    this.#tell(`${deaf.name} hears nothing from ${others.length} others`);
    this.#later(2_000, 30_000, 'all cuts are mended', () => network.heal());
  }

  #crash(): void {
    const node = this.#victim();
    if (node === undefined) return;
    const { network } = this.#cluster;
    const withHost = this.#random.chance(0.3);
    const { host } = node.endpoint;
    node.kill();
    if (withHost) network.power(host, false);
    this.#tell(`${node.name} is killed${withHost ? ', its host goes dark' : ''}`);
    if (this.#random.chance(0.2)) return;
    this.#later(200, 50_000, `${node.name} comes back`, () => {
      network.power(host, true);
      if (this.#random.chance(0.15)) this.#moveHouse(node);
      this.#startAgain(node);
    });
  }

  #pause(): void {
    const node = this.#victim();
    if (node === undefined) return;
    node.pause();
    this.#tell(`${node.name} stands still`);
    this.#later(300, 25_000, `${node.name} goes on`, () => node.resume());
  }

  #leave(): void {
    const node = this.#victim();
    if (node === undefined) return;
    this.#leaving.add(node);
    node.leave();
    this.#tell(`${node.name} says goodbye`);
    if (this.#random.chance(0.4)) return;
    this.#later(12_000, 60_000, `${node.name} is back`, () => {
      if (!node.up) this.#startAgain(node);
    });
  }

  /** The same data folder, another address. */
  #moveHouse(node: SimNode): void {
    this.#addresses += 1;
    node.endpoint = { host: `10.200.0.${this.#addresses}`, port: node.endpoint.port };
    this.#tell(`${node.name} moves to ${node.endpoint.host}`);
  }

  #startAgain(node: SimNode): void {
    this.#leaving.delete(node);
    node.start();
    this.#joinSomebody(node);
  }

  #joinSomebody(node: SimNode): void {
    const others = this.#cluster.nodes.filter((other) => other !== node);
    node.join(this.#random.pick(others), this.#random.pick(others));
  }

  #keepTrying(): void {
    this.#cluster.clock.after(rejoinEveryMs, () => {
      for (const node of this.#cluster.nodes)
        if (node.running && node.gossip.aliveCount <= 1) this.#joinSomebody(node);
      this.#keepTrying();
    });
  }

  #makePeace(): void {
    const { network, nodes } = this.#cluster;
    network.heal();
    network.weather = { lossShare: 0.01, duplicateShare: 0.01, delayMinMs: 0.2, delayMaxMs: 5 };
    for (const node of nodes) node.resume();
    this.#tell('peace');
  }

  #victim(): SimNode | undefined {
    const candidates = this.#cluster.nodes.filter((node) => node.running && !this.#leaving.has(node));
    // Somebody has to be left to remember the others.
    return candidates.length > 2 ? this.#random.pick(candidates) : undefined;
  }

  #later(fromMs: number, toMs: number, what: string, run: () => void): void {
    this.#cluster.clock.after(this.#random.between(fromMs, toMs), () => {
      this.#tell(what);
      run();
    });
  }

  #wrongBeliefs(): string[] {
    const wrong: string[] = [];
    const { nodes } = this.#cluster;
    for (const observer of nodes.filter((node) => node.running)) {
      const view = observer.view();
      for (const other of nodes) {
        const member = view.get(other.name);
        const state = member?.state ?? 'unknown';
        const right = other.running ? state === 'alive' : ['failed', 'left', 'unknown'].includes(state);
        if (!right)
          wrong.push(
            `${observer.name} believes that ${other.name}, which is ${other.running ? 'up' : 'gone'}, is ${state}`,
          );
        else if (other.running && member?.address.host !== other.endpoint.host) {
          wrong.push(`${observer.name} believes that ${other.name} is still at ${member?.address.host}`);
        }
      }
    }
    return wrong;
  }

  #lateVerdicts(fromMs: number): string[] {
    return this.#cluster.happenings.flatMap(({ atMs, node, event, memberRan }) => {
      if (event.kind !== 'change' || event.change.kind !== 'failed' || atMs < fromMs || !memberRan) return [];
      return [`${node} declared ${event.change.member.name} failed, which was up, long after the last fault`];
    });
  }

  #tell(what: string): void {
    this.#story.push(`${(this.#cluster.clock.nowMs() / 1_000).toFixed(3)} s  ${what}`);
  }
}
