/**
 * One life of a cluster of servers, drawn from a seed, in two acts. First everything that networks, disks, clocks, hosts and
 * operators do to it, under load and under the eyes of the checkers. Then peace: within a bounded time there is one
 * leader, all have the same log, state and events, every operation has ended, every agent has delivered and every
 * listener has heard everything; one more disturbance passes, while nobody writes, and everybody answers.
 */
import type { Logger } from '../../proto/logger.ts';
import type { Finding } from './checkers/findings.ts';
import { type Configuration, drawConfiguration, type ServerRunOptions } from './configuration.ts';
import { encore } from './encore.ts';
import { Faults } from './faults.ts';
import { isAtPeace, whatIsMissing } from './peace.ts';
import { ServerCluster } from './server-cluster.ts';
import type { SimServer } from './sim-server.ts';

export type { ServerRunOptions } from './configuration.ts';

export interface ServerVerdict {
  readonly ok: boolean;
  readonly findings: readonly Finding[];
  /** Equal for equal runs. */
  readonly traceHash: string;
  /** What was drawn from the seed. */
  readonly configuration: Configuration;
  /** What happened, in order. */
  readonly story: readonly string[];
  readonly counts: {
    readonly operations: number;
    /** Operations that were answered. */
    readonly answered: number;
    readonly faults: number;
    readonly faultClasses: number;
    readonly events: number;
    readonly entries: number;
    readonly elections: number;
    readonly transitions: number;
    /** Virtual milliseconds in all, and those of the second act. */
    readonly virtualMs: number;
    readonly peaceMs: number;
  };
}

const minuteMs = 60_000;
/** Less would prove little: the first act goes on until there was so much, up to `stretchMax` times as long. */
const leastInAMinute = { operations: 300, faults: 10, classes: 3 } as const;
const stretchMax = 10;
/** Longest second act. */
const peaceMsMax = 120_000;
/** Between two looks at the cluster. */
const lookMs = 500;

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };

export async function runServerSeed(
  options: ServerRunOptions,
  logger: Logger = silent,
): Promise<ServerVerdict> {
  return new ServerRun(options, logger).run();
}

/** The command that repeats a run. */
export function repeatServerRun(options: ServerRunOptions): string {
  const { seed, nodes, minutes, agents, transitionsPerSecond, listeners, earlyBatch } = options;
  const own = { agents, transitions: transitionsPerSecond, listeners, 'early-batch': earlyBatch };
  const more = Object.entries(own)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` --${name} ${value}`);
  return `npm run sim -- --seed ${seed} --nodes ${nodes} --minutes ${minutes}${more.join('')}`;
}

class ServerRun {
  readonly #configuration: Configuration;
  readonly #cluster: ServerCluster;
  readonly #faults: Faults;
  #peaceMs = 0;

  constructor(options: ServerRunOptions, logger: Logger) {
    this.#configuration = drawConfiguration(options);
    this.#cluster = new ServerCluster(options.seed, this.#configuration, logger);
    this.#faults = new Faults(this.#cluster);
  }

  async run(): Promise<ServerVerdict> {
    const stopListening = this.#listenForBugs();
    try {
      await this.#actOne();
      if (this.#cluster.findings.none) await this.#actTwo();
      if (this.#cluster.findings.none) this.#judge();
    } catch (error) {
      this.#cluster.noteBug('the simulation', error);
    } finally {
      stopListening();
    }
    return this.#verdict();
  }

  /** Enough happened to say that the servers stood it. */
  get #isRich(): boolean {
    const minutes = this.#configuration.actOneMs / minuteMs;
    const { history } = this.#cluster;
    const { count, struck } = this.#faults;
    return (
      history.length >= leastInAMinute.operations * minutes &&
      count >= leastInAMinute.faults * minutes &&
      struck.size >= leastInAMinute.classes
    );
  }

  /** Safety, under everything that was drawn. */
  async #actOne(): Promise<void> {
    const { clock, findings } = this.#cluster;
    this.#cluster.start();
    this.#faults.start();
    const { actOneMs } = this.#configuration;
    const isOver = () => clock.nowMs() >= (this.#isRich ? actOneMs : actOneMs * stretchMax);
    while (!isOver() && findings.none) await clock.settleFor(lookMs);
    findings.check(
      this.#isRich || actOneMs < minuteMs,
      'a life worth living',
      () =>
        `${this.#cluster.history.length} operations, ${this.#faults.count} faults of ${this.#faults.struck.size} classes`,
    );
  }

  /** Liveness, once nothing stands in the way any more. */
  async #actTwo(): Promise<void> {
    const { clock, clients, agents, findings } = this.#cluster;
    for (const client of clients) client.stop();
    for (const agent of agents) agent.calm();
    const absent = this.#absent();
    this.#faults.heal(absent);
    this.#cluster.tell(
      absent.length === 0 ? 'peace' : `peace without ${absent.map(({ name }) => name).join(' ')}`,
    );
    const fromMs = clock.nowMs();
    const present = () => this.#cluster.servers.filter((server) => !absent.includes(server));
    while (findings.none && !isAtPeace(this.#cluster, present())) {
      if (clock.nowMs() - fromMs >= peaceMsMax) {
        findings.add(
          'liveness',
          `after ${peaceMsMax / 1_000} s of peace: ${whatIsMissing(this.#cluster, present())}`,
        );
      }
      await clock.settleFor(lookMs);
    }
    if (findings.none) await encore(this.#cluster, present());
    this.#peaceMs = clock.nowMs() - fromMs;
  }

  /** In the end, what only the whole can tell. */
  #judge(): void {
    const { history, agents, servers, findings, state, ledger } = this.#cluster;
    for (const agent of agents) agent.transitions.finish();
    for (const server of servers) {
      if (server.consensus !== null) state.compareState(server.name, server.consensus.fsm);
    }
    for (const [key, judgement] of history.judge()) {
      findings.check(
        judgement === 'linearizable',
        'linearizability',
        () => `${key} is ${judgement}:\n${history.describe(key).join('\n')}`,
      );
    }
    for (const agent of agents) {
      for (const listener of agent.listeners) {
        findings.check(listener.at === ledger.last, 'listener', () => `a listener stands at ${listener.at}`);
      }
    }
  }

  /** Servers that stay as the first act left them: fewer than any majority needs. */
  #absent(): SimServer[] {
    if (this.#configuration.peace === 'everybody') return [];
    const { servers, random } = this.#cluster;
    const memberships = servers.flatMap(({ consensus }) => {
      const membership = consensus?.replica.status().membership;
      return membership === undefined ? [] : [membership];
    });
    const groups = memberships.flatMap(({ voters, outgoing }) => [voters, outgoing ?? voters]);
    if (groups.length < servers.length) return [];
    const spare = Math.min(...groups.map((group) => Math.ceil(group.length / 2) - 1));
    return random.shuffle(servers).slice(0, spare);
  }

  /** A promise that nobody looks after is a bug as well. */
  #listenForBugs(): () => void {
    const note = (error: unknown) => this.#cluster.noteBug('unhandled rejection', error);
    process.on('unhandledRejection', note);
    return () => process.off('unhandledRejection', note);
  }

  #verdict(): ServerVerdict {
    const { findings, trace, history, raft, ledger, clock, servers, agents } = this.#cluster;
    const named = (text: string) =>
      servers.reduce((renamed, { id, name }) => renamed.replaceAll(id, name), text);
    return {
      ok: findings.none,
      findings: findings.list.map(({ rule, text }) => ({ rule, text: named(text) })),
      traceHash: trace.hash,
      configuration: this.#configuration,
      story: this.#cluster.story,
      counts: {
        operations: history.length,
        answered: history.ended,
        faults: this.#faults.count,
        faultClasses: this.#faults.struck.size,
        events: ledger.last,
        entries: raft.committedIndex,
        elections: raft.elections,
        transitions: agents.reduce((sum, { transitions }) => sum + transitions.count, 0),
        virtualMs: clock.nowMs(),
        peaceMs: this.#peaceMs,
      },
    };
  }
}
