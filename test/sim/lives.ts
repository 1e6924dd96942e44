/** One life of either kind, told in lines: what `run.ts` and its workers have in common. */
import { repeatCommand, runGossipSeed } from './gossip-run.ts';
import { repeatServerRun, runServerSeed } from './server-run.ts';

export interface LifeOptions {
  readonly gossip: boolean;
  readonly nodes: number;
  readonly minutes: number;
  /** Servers only; see `ServerRunOptions`. */
  readonly agents?: number;
  readonly transitionsPerSecond?: number;
  readonly listeners?: number;
}

export interface Outcome {
  readonly seed: string;
  /** What is wrong, in words; empty when all is well. */
  readonly failures: readonly string[];
  /** What happened, in order. */
  readonly story: readonly string[];
  /** What the life consisted of, in one line. */
  readonly summary: string;
  readonly repeat: string;
}

export async function live(seed: string, options: LifeOptions): Promise<Outcome> {
  return options.gossip ? gossipLife(seed, options) : await serverLife(seed, options);
}

function gossipLife(seed: string, { nodes, minutes }: LifeOptions): Outcome {
  const options = { seed, nodes, minutes };
  const { failures, story, packets, traceHash } = runGossipSeed(options);
  const summary = `${nodes} members, ${story.length} things happened, ${packets} packets, trace ${traceHash}`;
  return { seed, failures, story, summary, repeat: repeatCommand(options) };
}

async function serverLife(seed: string, { gossip: _, ...rest }: LifeOptions): Promise<Outcome> {
  const options = { seed, ...rest };
  const { findings, story, counts, traceHash, configuration } = await runServerSeed(options);
  const { operations, transitions, faults, faultClasses, elections, events } = counts;
  return {
    seed,
    failures: findings.map(({ rule, text }) => `${rule}: ${text}`),
    story: [`drawn from the seed: ${JSON.stringify(configuration)}`, ...story],
    summary:
      `${rest.nodes} servers, ${operations} operations, ${transitions} transitions, ` +
      `${faults} faults of ${faultClasses} kinds, ${elections} elections, ${events} events, trace ${traceHash}`,
    repeat: repeatServerRun(options),
  };
}
