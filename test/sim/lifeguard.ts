/**
 * The interval experiment of "Lifeguard: Local Health Awareness for More Accurate Failure Detection" (Dadgar, Phillips,
 * Currey, 2018, section 5): some members of a calm cluster are slow. All of them stand still at the same moments for the same
 * time, go on for a short while, stand still again, for two minutes. Whatever is said then about one of the other members,
 * "it has failed", is false.
 *
 * Two kinds of block. `messages` is the paper's: a message that is to be sent or has come waits for the end of the block, while
 * clocks and timers go on, so a member reaches its verdicts without hearing anybody. `process` stands for SIGSTOP, starvation
 * and garbage collection: nothing goes on at all, and afterwards the timers come first, late, before anything is read.
 */
import type { GossipConfig } from '../../agent/gossip/config.ts';
import { GossipCluster } from './gossip-cluster.ts';

export interface LifeguardOptions {
  readonly seed: string | number;
  readonly detector: Detector;
  readonly members: number;
  readonly block: 'messages' | 'process';
  /** How many of them are slow. */
  readonly blocked: number;
  readonly blockedForMs: number;
  /** How long they go on between two blocks. */
  readonly openForMs: number;
  /** At least; the last block is not cut off. */
  readonly lastsMs: number;
}

export interface FalseVerdicts {
  /** Reports of "failed" about healthy members, at any member: FP in the paper. */
  readonly anywhere: number;
  /** Those of them that reached healthy members: FP− in the paper. */
  readonly atHealthy: number;
}

const swim = {
  awarenessMaxMultiplier: 1,
  suspicionMaxTimeoutMultiplier: 1,
  tellSuspects: false,
  lastLook: false,
  stallMs: Number.POSITIVE_INFINITY,
  refusalCheckMs: 0,
} satisfies Partial<GossipConfig>;
const healthyProbes = { awarenessMaxMultiplier: 8 };
const healthySuspicion = { suspicionMaxTimeoutMultiplier: 6 };
const buddy = { tellSuspects: true };
const lifeguard = { ...swim, ...healthyProbes, ...healthySuspicion, ...buddy };

/** Configurations as in the paper, and ours: with a last look before each verdict, with stalls as evidence, with both. */
export const detectors = {
  swim,
  'lha-probe': { ...swim, ...healthyProbes },
  'lha-suspicion': { ...swim, ...healthySuspicion },
  buddy: { ...swim, ...buddy },
  lifeguard,
  'lifeguard+look': { ...lifeguard, lastLook: true },
  'lifeguard+stalls': { ...lifeguard, stallMs: 50 },
  ours: {},
} satisfies Readonly<Record<string, Partial<GossipConfig>>>;
export type Detector = keyof typeof detectors;

/** By then everybody has announced itself, and has been probed. */
const settledMs = 10_000;
/** What was said in the last block is heard by then. */
const echoMs = 10_000;

export function runLifeguard(options: LifeguardOptions): FalseVerdicts {
  const { block, blocked, blockedForMs, detector, lastsMs, members, openForMs, seed } = options;
  const cluster = new GossipCluster({ seed, config: detectors[detector] });
  const nodes = cluster.random.shuffle(cluster.settle(members));
  cluster.runFor(settledMs);
  const slow = nodes.slice(0, blocked);
  const isSlow = new Set(slow.map(({ name }) => name));
  cluster.happenings.length = 0;
  const endMs = cluster.clock.nowMs() + lastsMs;
  while (cluster.clock.nowMs() < endMs) {
    for (const node of slow) block === 'messages' ? node.mute() : node.pause();
    cluster.runFor(blockedForMs);
    for (const node of slow) block === 'messages' ? node.unmute() : node.resume();
    cluster.runFor(openForMs);
  }
  cluster.runFor(echoMs);
  const observers = cluster.happenings.flatMap(({ event, node }) =>
    event.kind === 'change' && event.change.kind === 'failed' && !isSlow.has(event.change.member.name)
      ? [node]
      : [],
  );
  return {
    anywhere: observers.length,
    atHealthy: observers.filter((observer) => !isSlow.has(observer)).length,
  };
}
