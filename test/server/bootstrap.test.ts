import { beforeEach, expect, test } from 'vitest';
import { ExpectedError } from '../../proto/errors.ts';
import type { ClusterSeed, Rpc } from '../../proto/rpc.ts';
import { Bootstrap } from '../../server/bootstrap.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SeededRandom } from '../sim/random.ts';
import { FakeGossip, silent } from './fakes.ts';

let clock: VirtualClock;
let servers: Map<string, Server>;

beforeEach(() => {
  clock = new VirtualClock();
  servers = new Map();
});

/** A server that has nothing but a disk for the seed, and a gossip that knows whom it was told of. */
class Server {
  readonly gossip = new FakeGossip();
  readonly id: string;
  readonly expect: number;
  readonly datacenter: string;
  readonly stored: ClusterSeed[] = [];
  bootstrap: Bootstrap;
  readonly said: string[] = [];
  isUp = true;
  hasTriedToJoin = true;
  /** Called before the seed is durable; may crash this server. */
  beforeStore: () => void = () => {};

  constructor(id: string, { expect = 3, datacenter = 'dc1' } = {}) {
    this.id = id;
    this.expect = expect;
    this.datacenter = datacenter;
    this.bootstrap = this.#make();
    servers.set(id, this);
  }

  get clusterId(): string {
    return this.stored[0]?.clusterId ?? '';
  }

  hear(...others: readonly Server[]): void {
    for (const other of [...others, this]) {
      const rpc = { host: '10.0.0.1', port: 8300 };
      const tags = { rpc, expect: other.expect };
      this.gossip.hear(other.id, { id: other.id, datacenter: other.datacenter, server: tags });
    }
  }

  crash(): void {
    this.isUp = false;
    this.bootstrap.stop();
  }

  restart(): void {
    this.isUp = true;
    this.bootstrap = this.#make();
    this.bootstrap.start();
  }

  #make(): Bootstrap {
    return new Bootstrap({
      identity: { nodeId: this.id, name: this.id, datacenter: this.datacenter, expect: this.expect },
      gossip: this.gossip,
      clock,
      random: new SeededRandom(this.id),
      logger: { ...silent, info: (text) => void this.said.push(text) },
      address: () => ({ host: '10.0.0.1', port: 8300 }),
      hasTriedToJoin: () => this.hasTriedToJoin,
      seed: () => this.stored[0] ?? null,
      store: async (seed) => {
        this.beforeStore();
        await new Promise<void>((resolve) => clock.after(1, resolve));
        if (this.isUp) this.stored.push(seed);
      },
      rpc: (id) => this.#rpc(id),
    });
  }

  #rpc(id: string): Rpc {
    const call = async (method: string, params: unknown): Promise<unknown> => {
      await new Promise<void>((resolve) => clock.after(1, resolve));
      const other = servers.get(id);
      if (!this.isUp || other === undefined || !other.isUp) throw new ExpectedError('CONNECTION_LOST');
      if (method === 'bootstrap.status') return { ...other.bootstrap.status(), damaged: false, joins: true };
      return other.bootstrap.take(params as ClusterSeed);
    };
    return { call } as unknown as Rpc;
  }
}

function startAll(...all: readonly Server[]): void {
  for (const server of all) {
    server.hear(...all);
    server.bootstrap.start();
  }
}

function voters(server: Server): string[] | undefined {
  return server.stored[0]?.voters.map(({ id }) => id);
}

test('three servers that expect three begin one cluster, made by the lowest id, taken once', async () => {
  const all = ['b', 'a', 'c'].map((id) => new Server(id));
  startAll(...all);
  await clock.settleFor(2_000);
  expect(new Set(all.map((server) => server.clusterId)).size).toBe(1);
  expect(all.map((server) => server.stored.length)).toEqual([1, 1, 1]);
  expect(voters(all[2]!)).toEqual(['a', 'b', 'c']);
});

test('one server that expects one begins alone', async () => {
  const alone = new Server('a', { expect: 1 });
  startAll(alone);
  await clock.settleFor(300);
  expect(voters(alone)).toEqual(['a']);
});

test('nobody begins before those that it was told to join were asked: a cluster may be there', async () => {
  const late = new Server('a', { expect: 1 });
  const old = new Server('z');
  old.stored.push({ clusterId: 'old', logId: 'log', voters: [{ id: 'z', address: '10.0.0.1:8300' }] });
  late.hasTriedToJoin = false;
  startAll(late);
  await clock.settleFor(5_000);
  expect(late.stored).toEqual([]);
  late.hear(old);
  late.hasTriedToJoin = true;
  await clock.settleFor(5_000);
  expect(late.stored).toEqual([]);
  late.gossip.hear('z', { id: 'z', state: 'failed' });
  await clock.settleFor(5_000);
  expect(voters(late)).toEqual(['a']);
});

test('nothing begins before all of them are in view', async () => {
  const [a, b, c] = ['a', 'b', 'c'].map((id) => new Server(id)) as [Server, Server, Server];
  startAll(a, b);
  await clock.settleFor(60_000);
  expect(a.stored).toEqual([]);
  c.hear(a, b);
  c.bootstrap.start();
  a.hear(c);
  b.hear(c);
  await clock.settleFor(2_000);
  expect(voters(c)).toEqual(['a', 'b', 'c']);
});

test('servers of another number or datacenter do not count', async () => {
  const a = new Server('a');
  const b = new Server('b');
  startAll(a, b, new Server('c', { expect: 5 }), new Server('d', { datacenter: 'dc2' }));
  await clock.settleFor(10_000);
  expect(a.stored).toEqual([]);
  expect(a.said.at(-1)).toBe(
    'waiting for servers: 2 of 3 are in view; c expects 5 servers; d is in datacenter dc2',
  );
});

test('a server that does not expect any waits to be taken', async () => {
  const server = new Server('a', { expect: 0 });
  startAll(server);
  await clock.settleFor(10_000);
  expect(server.stored).toEqual([]);
});

test('of four that start at once three begin, and the fourth waits for them', async () => {
  const all = ['a', 'b', 'c', 'd'].map((id) => new Server(id));
  startAll(...all);
  await clock.settleFor(5_000);
  expect(voters(all[0]!)).toEqual(['a', 'b', 'c']);
  expect(all[3]!.stored).toEqual([]);
});

test('whoever hears of a cluster begins none', async () => {
  const old = new Server('z');
  old.stored.push({ clusterId: 'old', logId: 'log', voters: [{ id: 'z', address: '10.0.0.1:8300' }] });
  const all = ['a', 'b', 'c'].map((id) => new Server(id));
  startAll(...all, old);
  await clock.settleFor(60_000);
  expect(all.map((server) => server.stored)).toEqual([[], [], []]);
});

test('a server in view that does not answer might know of a cluster', async () => {
  const all = ['a', 'b', 'c', 'd'].map((id) => new Server(id));
  startAll(...all);
  all[3]!.crash();
  await clock.settleFor(30_000);
  expect(all[0]!.stored).toEqual([]);
});

test('servers with different views do not begin', async () => {
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((id) => new Server(id)) as [Server, Server, Server, Server];
  a.hear(b, c);
  b.hear(c, d);
  c.hear(a, b, d);
  d.hear(b, c);
  for (const server of [a, b, c, d]) server.bootstrap.start();
  await clock.settleFor(10_000);
  expect([a, b, c, d].flatMap((server) => server.stored)).toEqual([]);
});

test.each([1, 2])(
  'the first server crashes when %i of three have the seed: the holders go on handing it out',
  async (held) => {
    const [a, b, c] = ['a', 'b', 'c'].map((id) => new Server(id)) as [Server, Server, Server];
    if (held === 1) b.beforeStore = () => a.crash();
    c.beforeStore = () => {
      a.crash();
      if (c.stored.length === 0) c.crash();
    };
    startAll(a, b, c);
    await clock.settleFor(5_000);
    c.beforeStore = () => {};
    c.restart();
    if (held === 1) {
      b.crash();
      b.restart();
      a.restart();
    }
    await clock.settleFor(5_000);
    expect(c.clusterId).toBe(a.clusterId);
    expect(b.clusterId).toBe(a.clusterId);
    expect(a.clusterId).not.toBe('');
  },
);
