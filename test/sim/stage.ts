/** A calm cluster on which a test plays a story: who is cut off, who crashes, who writes, and what everybody holds then. */
import { expect } from 'vitest';
import { type ErrorCode, isExpected } from '../../proto/errors.ts';
import { valueCheck } from './checkers/values.ts';
import { registration } from './client.ts';
import type { Configuration } from './configuration.ts';
import { calm } from './network.ts';
import { whatIsMissing } from './peace.ts';
import { ServerCluster } from './server-cluster.ts';
import type { SimServer } from './sim-server.ts';

/** How a write ended for whoever sent it. */
export type Ending = { readonly index: number; readonly offset: number } | { readonly failed: ErrorCode };

const quiet: Configuration = {
  servers: 5,
  agents: 0,
  listeners: 0,
  actOneMs: 0,
  transitionEveryMs: 1_000,
  clients: 0,
  operationsPerSecond: 10,
  keys: 1,
  consensus: { tickMs: 100 },
  autopilot: { deadMs: 3_600_000 },
  compareIntervalMs: 60_000,
  holdMs: 2_000,
  // Gossip stays out of these stories: nobody is called dead.
  suspicionMs: 3_600_000,
  clockDrift: 0,
  diskSpread: 1,
  turnMs: 0,
  weather: calm,
  looseMessages: false,
  shortAppendShare: 0,
  compareStatesEvery: 10,
  faults: [],
  faultEveryMs: 1_000,
  firstFaultMs: 0,
  peace: 'everybody',
};

const silent = { debug() {}, info() {}, warn() {}, error() {} };
/** No story needs longer for one step. */
const patienceMs = 30_000;

export class Stage {
  readonly cluster: ServerCluster;
  /** Values that were sent, each of them one write however often. */
  readonly #values = new Set<string>();

  private constructor(seed: string, configuration: Configuration) {
    this.cluster = new ServerCluster(seed, configuration, silent);
  }

  /** A cluster that has a leader, and whose servers all know it. */
  static async open(seed: string, changes: Partial<Configuration> = {}): Promise<Stage> {
    const stage = new Stage(seed, { ...quiet, ...changes });
    stage.cluster.start();
    await stage.until(() => whatIsMissing(stage.cluster, stage.cluster.servers) === '');
    return stage;
  }

  get servers(): readonly SimServer[] {
    return this.cluster.servers;
  }

  /** Throws when nobody leads. */
  get leader(): SimServer {
    return this.cluster.leader!;
  }

  followers(leader: SimServer = this.leader): SimServer[] {
    return this.servers.filter((server) => server !== leader);
  }

  async pass(durationMs: number): Promise<void> {
    await this.cluster.clock.settleFor(durationMs);
    expect(this.cluster.findings.list).toEqual([]);
  }

  /** Virtual milliseconds until it is so. */
  async until(isSo: () => boolean): Promise<number> {
    const { clock } = this.cluster;
    const fromMs = clock.nowMs();
    while (!isSo()) {
      expect(clock.nowMs() - fromMs, whatIsMissing(this.cluster, this.servers)).toBeLessThan(patienceMs);
      await this.pass(20);
    }
    return clock.nowMs() - fromMs;
  }

  /** A write with this value as its key, sent to one server; the story goes on meanwhile. */
  write(at: SimServer, value: string, key = 'ext-1'): Promise<Ending> {
    const once = { client: 'story', key: value };
    if (!this.#values.has(value)) this.cluster.values.invoked(value);
    this.#values.add(value);
    return this.cluster
      .user(at)
      .call('catalog.write', { body: registration(key, value), once })
      .then(
        ({ index, offset }) => ({ index, offset }),
        (error: unknown) => {
          if (!isExpected(error)) throw error;
          return { failed: error.code };
        },
      );
  }

  /** As `write`, and the end of it. */
  async written(at: SimServer, value: string, key?: string): Promise<Ending> {
    return this.ended(this.write(at, value, key));
  }

  async ended<T>(work: Promise<T>): Promise<T> {
    let result: { readonly value: T } | null = null;
    void work.then((value) => {
      result = { value };
    });
    await this.until(() => result !== null);
    return result!.value;
  }

  async read(
    at: SimServer,
    mode: 'default' | 'consistent' | 'stale',
    node = 'ext-1',
  ): Promise<string | null> {
    const query = { of: 'nodeChecks', node } as const;
    const call = this.cluster.user(at).call('catalog.query', { query, mode, maxStaleMs: null });
    const answer = await this.ended(
      call.catch((error: unknown) => {
        if (!isExpected(error)) throw error;
        return { failed: error.code };
      }),
    );
    if ('failed' in answer) return answer.failed;
    return answer.rows.checks.find(({ id }) => id === valueCheck)?.status ?? null;
  }

  /** Only servers of one group hear each other; users reach all of them. */
  split(...groups: readonly (readonly SimServer[])[]): void {
    for (const group of groups) {
      for (const other of groups) {
        if (group === other) continue;
        for (const from of group) for (const to of other) this.cut(from, to);
      }
    }
  }

  /** One direction. */
  cut(from: SimServer, to: SimServer): void {
    this.cluster.network.cut(from.host.site, to.host.site);
  }

  heal(): void {
    this.cluster.network.heal();
  }

  /** How often each value stands in the log of events. */
  countOf(value: string): number {
    return this.cluster.ledger.events.filter(({ To }) => To === value).length;
  }

  /** Where a value stands in it. */
  offsetOf(value: string): number | undefined {
    return this.cluster.ledger.events.find(({ To }) => To === value)?.Offset;
  }

  /** Whether the entry with this value is on the disk of a server, committed or not. */
  holds(server: SimServer, value: string): boolean {
    const { storage } = server.consensus!;
    const entries = storage.slice(storage.firstIndex(), storage.lastIndex() + 1, Number.MAX_SAFE_INTEGER);
    return Array.isArray(entries) && entries.some(({ data }) => Buffer.from(data).includes(value));
  }

  /** Everybody is up, agrees, and has nothing left to do. */
  async peace(): Promise<number> {
    this.heal();
    for (const server of this.servers) if (!server.host.up) server.start();
    return this.until(() => whatIsMissing(this.cluster, this.servers) === '');
  }
}
