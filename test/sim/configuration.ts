/**
 * Everything that one run of the servers is drawn with: how they are set up, what is done to them and how often. Limits
 * are small on purpose, often one, so that sixty seconds meet what months would bring.
 */
import type { AutopilotLimits } from '../../server/autopilot.ts';
import type { ConsensusLimits } from '../../server/consensus.ts';
import type { Weather } from './network.ts';
import { SeededRandom } from './random.ts';

export interface ServerRunOptions {
  readonly seed: number | string;
  /** Servers at the start. */
  readonly nodes: number;
  /** Virtual minutes of the first act. */
  readonly minutes: number;
  /** Default 3. */
  readonly agents?: number;
  /** Changes of a check's status in a second, all agents together. Default 2. */
  readonly transitionsPerSecond?: number;
  /** Readers of the event log; they sit on the agents. Default 3. */
  readonly listeners?: number;
  /** Commands that go into the log at once, whatever is under way. Default: more than ever come together. */
  readonly earlyBatch?: number;
}

export const faultClasses = [
  'weather',
  'partition',
  'crash',
  'trap',
  'pause',
  'strand',
  'disk',
  'clock',
  'membership',
  'snapshot',
  'gossip',
  'agents',
] as const;
export type FaultClass = (typeof faultClasses)[number];

export interface Configuration {
  readonly servers: number;
  readonly agents: number;
  readonly listeners: number;
  readonly actOneMs: number;
  readonly transitionEveryMs: number;
  readonly clients: number;
  /** Of all clients together; what was missed while nobody answered is made up for. */
  readonly operationsPerSecond: number;
  readonly keys: number;
  readonly consensus: Partial<ConsensusLimits>;
  readonly autopilot: Partial<AutopilotLimits>;
  readonly compareIntervalMs: number;
  readonly holdMs: number;
  readonly suspicionMs: number;
  /** Clocks run too fast or too slow by up to this share. */
  readonly clockDrift: number;
  /** Disks are slower than the best one by up to this factor. */
  readonly diskSpread: number;
  /** What a server defers to its next turn comes after so long. */
  readonly turnMs: number;
  readonly weather: Weather;
  readonly looseMessages: boolean;
  /** Share of the appends that are cut short on their way. */
  readonly shortAppendShare: number;
  readonly compareStatesEvery: number;
  /** Classes of faults, each as often as it stands here. */
  readonly faults: readonly FaultClass[];
  /** Time between two faults, on average. */
  readonly faultEveryMs: number;
  readonly firstFaultMs: number;
  /** In the second act: everybody is well, or only a majority that has to do without the others. */
  readonly peace: 'everybody' | 'majority';
}

const faultClassesMin = 3;

export function drawConfiguration(options: ServerRunOptions): Configuration {
  const random = new SeededRandom(`configuration of ${options.seed}`);
  const pick = <T>(...values: readonly T[]): T => random.pick(values);
  const agents = options.agents ?? 3;
  // What was committed is applied one by one, and each takes its time.
  const isBusy = random.chance(0.25);
  return {
    servers: options.nodes,
    agents,
    listeners: options.listeners ?? 3,
    actOneMs: options.minutes * 60_000,
    transitionEveryMs: 1_000 / (options.transitionsPerSecond ?? 2),
    clients: random.int(6, 11),
    operationsPerSecond: pick(5.5, 6.5, 8),
    keys: random.int(2, 6),
    consensus: {
      ...(options.earlyBatch !== undefined && { earlyBatch: options.earlyBatch }),
      tickMs: pick(50, 100, 100, 100),
      ...(isBusy && { appliedPerTurnMax: 1 }),
      trailingEntries: pick(0, 3, 20, 100, 1_000),
      segmentBytes: pick(4_096, 16_384, 65_536),
      snapshots: { entriesMax: pick(15, 40, 100, 300, 2_000) },
      raft: {
        electionTicks: pick(5, 10, 10, 10),
        appendBytesMax: pick(1, 1_000, 1024 * 1024, 1024 * 1024),
        inflightMax: pick(1, 2, 8, 256, 256),
        inflightBytesMax: pick(2_000, 8 * 1024 * 1024),
        snapshotTicks: pick(30, 100, 600),
        ...(isBusy && { applyBytesMax: 1 }),
      },
    },
    autopilot: {
      intervalMs: 1_000,
      stableMs: pick(500, 2_000, 10_000),
      deadMs: pick(4_000, 15_000, 60_000),
    },
    compareIntervalMs: pick(5_000, 20_000, 60_000),
    holdMs: pick(500, 2_000, 7_000),
    suspicionMs: random.between(1_500, 6_000),
    clockDrift: pick(0, 0, 0.0005, 0.02, 0.2),
    diskSpread: pick(1, 1, 10, 100),
    turnMs: isBusy ? 5 : 0,
    weather: drawWeather(random, pick(0, 0, 0.3, 1)),
    looseMessages: random.chance(0.3),
    shortAppendShare: pick(0, 0.1, 0.5),
    compareStatesEvery: random.int(100, 300),
    faults: drawFaults(random),
    faultEveryMs: pick(1_000, 2_000, 3_500),
    firstFaultMs: pick(0, 1_500, 5_000),
    peace: random.chance(0.3) ? 'majority' : 'everybody',
  };
}

/** `harshness` 0 is a good network, 1 the worst there is. */
export function drawWeather(random: SeededRandom, harshness: number): Weather {
  const delayMinMs = random.between(0.1, 0.1 + 10 * harshness);
  return {
    lossShare: random.between(0, 0.2 * harshness),
    duplicateShare: random.between(0, 0.1 * harshness),
    delayMinMs,
    delayMaxMs: delayMinMs + random.between(0.3, 0.3 + 60 * harshness),
    tailShare: random.between(0, 0.02 * harshness),
    tailMaxMs: 5_000,
    echoMaxMs: 5_000,
  };
}

function drawFaults(random: SeededRandom): FaultClass[] {
  const classes = random.shuffle(faultClasses).slice(0, random.int(faultClassesMin, faultClasses.length + 1));
  return classes.flatMap((name) => Array.from({ length: random.int(1, 4) }, () => name));
}
