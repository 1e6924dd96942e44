/** Five real servers on a network that can be cut, and the verbs of the stories that are told with them. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { request } from 'undici';
import { expect } from 'vitest';
import type { HealthEvent } from '../../proto/schema/event.ts';
import { freePorts, type TestAgent, TestFleet, until } from './agents.ts';
import { Partition } from './partition.ts';

/** Five processes that start, find each other and catch up, on a machine that has much else to do. */
export const peaceMsMax = 150_000;

/** What a client hears of one write. */
export interface Heard {
  /** HTTP status; 0 when the connection was lost without an answer. */
  readonly status: number;
  readonly text: string;
  /** Last offset when the write had been applied. */
  readonly offset: number;
}

/** A write on its way, see `takenIn`. */
export interface TakenIn {
  readonly old: TestAgent;
  readonly others: TestAgent[];
  /** The check that it sets, its status and its key. */
  readonly tag: string;
  /** What its client hears in the end. */
  readonly first: Promise<Heard>;
}

export class RaftStage {
  readonly fleet: TestFleet;
  readonly network = new Partition();
  readonly servers: TestAgent[] = [];

  private constructor(fleet: TestFleet) {
    this.fleet = fleet;
  }

  static async open(count: number, flags: readonly string[] = []): Promise<RaftStage> {
    const stage = new RaftStage(await TestFleet.create());
    for (let number = 1; number <= count; number++) {
      const name = `server-${number}`;
      const ports = await freePorts();
      const hosts = await stage.network.add(name, ports);
      const joins = number === 1 ? [] : ['--join', stage.network.addressOf('server-1')];
      const server = await stage.fleet.start(
        name,
        ['--server', '--bootstrap-expect', `${count}`, '--dns-port', '-1', ...hosts, ...joins, ...flags],
        ports,
      );
      stage.network.watch(server);
      stage.servers.push(server);
    }
    await stage.peace();
    return stage;
  }

  async close(): Promise<void> {
    await this.fleet.stop();
    this.network.close();
  }

  /** The one that says of itself that it leads, in the highest term; undefined while nobody does. */
  async leaderAmong(servers: readonly TestAgent[] = this.servers): Promise<TestAgent | undefined> {
    const found = await Promise.all(
      servers.map(async (server) => ({ server, raft: await this.raft(server) })),
    );
    const leaders = found.filter(({ raft }) => raft?.state === 'Leader');
    return leaders.sort((a, b) => Number(b.raft!.term) - Number(a.raft!.term))[0]?.server;
  }

  async leader(among?: readonly TestAgent[]): Promise<TestAgent> {
    return until('somebody leads', () => this.leaderAmong(among));
  }

  others(...those: readonly TestAgent[]): TestAgent[] {
    return this.servers.filter((server) => !those.includes(server));
  }

  /** Raft's counters as the server shows them; undefined while it does not answer. */
  async raft(server: TestAgent): Promise<Record<string, string> | undefined> {
    const self = await server.get<{ Stats: { raft: Record<string, string> } }>('/v1/agent/self');
    return self?.Stats.raft;
  }

  /** One attempt to write: a check of an external node turns to this status, once however often it is asked. */
  async write(server: TestAgent, status: string): Promise<Heard> {
    const body = {
      Node: 'ext',
      Address: '10.0.0.1',
      Check: { CheckID: status, Name: status, Status: status },
    };
    try {
      const answer = await request(`${server.url}/v1/catalog/register`, {
        method: 'PUT',
        headers: { 'idempotency-key': status },
        body: JSON.stringify(body),
      });
      const offset = Number(answer.headers['x-rollcall-offset'] ?? 0);
      return { status: answer.statusCode, text: await answer.body.text(), offset };
    } catch (error) {
      return { status: 0, text: String(error), offset: 0 };
    }
  }

  /** The same write, again and again until somebody says that it is done. */
  written(server: TestAgent, status: string): Promise<Heard> {
    return until(`${status} is written`, async () => {
      const heard = await this.write(server, status);
      return heard.status === 200 && heard;
    });
  }

  /** Whether the text is in the Raft log on this server's disk, committed or not. */
  async holds(server: TestAgent, text: string): Promise<boolean> {
    const folder = join(server.folder, 'raft');
    const names = await readdir(folder).catch(() => []);
    const files = await Promise.all(
      names.map((name) => readFile(join(folder, name)).catch(() => Buffer.alloc(0))),
    );
    return files.some((bytes) => bytes.includes(text));
  }

  /**
   * A write that a leader takes in while `cut` keeps it from being committed, with the ones that are to hold it. A leader
   * that nobody hears steps down within two seconds: on a slow machine before the write came, and then all begins anew.
   */
  async takenIn(name: string, cut: (old: TestAgent, others: TestAgent[]) => TestAgent[]): Promise<TakenIn> {
    for (let attempt = 1; attempt <= 5; attempt++) {
      const old = await this.leader();
      const others = this.others(old);
      const tag = `${name}-${attempt}`;
      const holders = cut(old, others);
      const first = this.write(old, tag);
      const holding = until(
        `${tag} was taken in`,
        async () => (await Promise.all(holders.map((server) => this.holds(server, tag)))).every(Boolean),
        5_000,
      );
      if (await holding.catch(() => false)) return { old, others, tag, first };
      await this.peace();
    }
    throw new Error(`${name}: no leader took it in before it stepped down`);
  }

  async events(server: TestAgent): Promise<readonly HealthEvent[]> {
    const all: HealthEvent[] = [];
    for (;;) {
      const page = await server.get<HealthEvent[]>(
        `/v1/events?after=${all.at(-1)?.Offset ?? 0}&limit=1000&wait=0s`,
      );
      if (page === undefined || page.length === 0) return all;
      all.push(...page);
    }
  }

  /** How often this write had an effect, as each server tells it. */
  async countsOf(status: string): Promise<number[]> {
    const logs = await Promise.all(this.servers.map((server) => this.events(server)));
    return logs.map(
      (events) => events.filter(({ Check, Kind }) => Check === status && Kind === 'check.added').length,
    );
  }

  /** All run and hear each other; resolves when they hold the same and have the same leader. */
  async peace(): Promise<void> {
    this.network.heal();
    for (const server of this.servers) {
      server.process.signal('SIGCONT');
      if (!server.process.running) server.restart();
    }
    await this.fleet.until(
      'all servers hold the same',
      async () => {
        const standings = await Promise.all(this.servers.map((server) => this.#standing(server)));
        return standings[0] !== '' && standings.every((standing) => standing === standings[0]);
      },
      peaceMsMax,
    );
  }

  /** What the servers said last and where they stand, for the message of a failure. */
  async told(): Promise<string> {
    const parts = this.servers.map(async (server) => {
      const raft = JSON.stringify((await this.raft(server)) ?? null);
      return [
        `${server.name}: running=${server.process.running} ${raft}`,
        ...server.process.lines.slice(-15),
      ].join('\n');
    });
    return (await Promise.all(parts)).join('\n\n');
  }

  async #standing(server: TestAgent): Promise<string> {
    const [raft, leader] = await Promise.all([this.raft(server), server.get<string>('/v1/status/leader')]);
    if (raft === undefined || !leader || raft.applied_index !== raft.commit_index) return '';
    const catalog = await server.get<{ Offset: number }>('/v1/events/snapshot?stale');
    const events = await this.events(server);
    if (catalog === undefined || events.at(-1)?.Offset !== catalog.Offset) return '';
    const digest = createHash('sha256')
      .update(JSON.stringify([catalog, events]))
      .digest('hex');
    return `${leader} ${raft.term} ${raft.last_log_index} ${digest}`;
  }

  /** All of them hold it once: in their events, and nobody's log has anything else. */
  async expectOnce(...statuses: readonly string[]): Promise<void> {
    for (const status of statuses) {
      expect(await this.countsOf(status), status).toEqual(this.servers.map(() => 1));
    }
  }
}
