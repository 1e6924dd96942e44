/**
 * How far a user event gets in a bad network: a large cluster that knows itself, of which a part has just gone dark, and
 * one event. Much of it is wasted on the dead, and the news about them travels beside it.
 */
import { GossipCluster, type SimNode } from './gossip-cluster.ts';
import { calm } from './network.ts';

export interface SpreadOptions {
  readonly seed: string | number;
  readonly members: number;
  /** Share of datagrams that never arrive, 0 to 1. */
  readonly lossShare: number;
  /** Share of members whose hosts go dark before the event, 0 to 1. */
  readonly deadShare: number;
  /** How long after that: 0 is before anybody has missed them, 3,000 in the middle of the news about all of them. */
  readonly firedAfterMs: number;
  /** Virtual time after which it is counted who knows. */
  readonly withinMs: number;
}

export interface Spread {
  /** Members that are up. */
  readonly living: number;
  /** Those of them that have heard the event in time. */
  readonly told: number;
  /** Virtual milliseconds until half of the living knew, and until the last one that was told in time. */
  readonly halfMs: number;
  readonly lastMs: number;
}

/** A cluster begins with everybody announcing itself; that is over by then. */
const settledMs = 5_000;
/** The weather is bad for this long before anybody dies. */
const foulMs = 2_000;
const eventName = 'news';

/** It is looked this often whether all know. */
const stepMs = 100;

export function spreadNews(options: SpreadOptions): Spread {
  const { seed, members, lossShare, deadShare, firedAfterMs, withinMs } = options;
  const cluster = new GossipCluster({ seed });
  const nodes = cluster.random.shuffle(cluster.settle(members));
  cluster.runFor(settledMs);
  cluster.network.weather = { ...calm, lossShare };
  cluster.runFor(foulMs);
  const dead = nodes.slice(0, Math.round(members * deadShare));
  const living = nodes.slice(dead.length);
  for (const node of dead) goDark(cluster, node);
  cluster.runFor(firedAfterMs);
  const firedMs = cluster.clock.nowMs();
  living[0]!.gossip.fireEvent(eventName, new Uint8Array(64), false);
  const delays = [0];
  while (delays.length < living.length && cluster.clock.nowMs() < firedMs + withinMs) {
    cluster.happenings.length = 0;
    cluster.runFor(stepMs);
    for (const { atMs, event } of cluster.happenings) {
      if (event.kind === 'user-event' && event.event.name === eventName) delays.push(atMs - firedMs);
    }
  }
  return {
    living: living.length,
    told: delays.length,
    halfMs: delays[Math.floor(living.length / 2)] ?? Number.POSITIVE_INFINITY,
    lastMs: delays.at(-1) ?? Number.POSITIVE_INFINITY,
  };
}

function goDark(cluster: GossipCluster, node: SimNode): void {
  cluster.network.power(node.endpoint.host, false);
  node.kill();
}
