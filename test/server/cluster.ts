/** A few whole servers on a virtual network, for tests that tell a story: each with a disk, a gossip and a clock of its own. */
import { ExpectedError } from '../../proto/errors.ts';
import type { Clock, Timer } from '../../proto/ports.ts';
import type { RaftMessage } from '../../proto/raft.ts';
import type { Rpc, RpcHandlers, RpcPeer } from '../../proto/rpc.ts';
import type { HealthEvent } from '../../proto/schema/event.ts';
import { DataFolder } from '../../proto/store/layout.ts';
import type { Consensus } from '../../server/consensus.ts';
import { Server, type ServerConfig, type ServerTransport, type TransportHost } from '../../server/server.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SimDisk } from '../sim/disk.ts';
import { calm, VirtualNetwork } from '../sim/network.ts';
import { VirtualProcess } from '../sim/process.ts';
import { SeededRandom } from '../sim/random.ts';
import { FakeGossip, silent } from './fakes.ts';

const config: Omit<ServerConfig, 'name' | 'expect'> = {
  datacenter: 'dc1',
  consensus: { segmentBytes: 64 * 1024 },
};

export class TestCluster {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: VirtualNetwork;
  readonly servers: TestServer[] = [];

  constructor(seed: string) {
    this.random = new SeededRandom(seed);
    this.network = new VirtualNetwork(this.clock, this.random.fork('network'), calm);
  }

  /** A host with a server; not started yet. */
  add(options: Partial<ServerConfig> = {}): TestServer {
    const name = `s${this.servers.length + 1}`;
    const server = new TestServer(this, name, { ...config, expect: 3, ...options, name });
    this.servers.push(server);
    return server;
  }

  /** `count` servers that have begun a cluster and have a leader. */
  async grow(count: number, options: Partial<ServerConfig> = {}): Promise<TestServer> {
    const servers = Array.from({ length: count }, () => this.add({ expect: count, ...options }));
    for (const server of servers) await server.start();
    this.meet();
    return this.leader();
  }

  /** Gossip of everybody knows everybody who runs, and believes the others failed. */
  meet(): void {
    for (const server of this.servers) {
      if (!server.isUp) continue;
      for (const other of this.servers) if (other.id !== '') server.gossip.hear(other.name, other.member());
    }
  }

  /** The leader of the highest term, as soon as there is one that a majority follows. */
  async leader(among: readonly TestServer[] = this.servers): Promise<TestServer> {
    for (let waited = 0; waited < 600; waited++) {
      const leaders = among.filter((server) => server.isUp && server.raft?.role === 'leader');
      leaders.sort((a, b) => b.raft!.term - a.raft!.term);
      const [leader] = leaders;
      const followers = among.filter((server) => server.raft?.leader === leader?.id).length;
      if (leader !== undefined && followers * 2 > leader.raft!.membership.voters.length) return leader;
      await this.clock.settleFor(100);
    }
    throw new Error('nobody leads after a minute');
  }

  async settle(durationMs: number): Promise<void> {
    await this.clock.settleFor(durationMs);
  }
}

/** Lets time pass until the promise has ended. */
export async function until<T>(
  cluster: { settle(durationMs: number): Promise<void> },
  promise: Promise<T>,
): Promise<T> {
  let isOver = false;
  promise.then(
    () => {
      isOver = true;
    },
    () => {
      isOver = true;
    },
  );
  for (let ms = 0; !isOver && ms < 60_000; ms += 5) await cluster.settle(5);
  return promise;
}

export class TestServer {
  readonly name: string;
  readonly gossip = new FakeGossip();
  readonly disk: SimDisk;
  readonly config: ServerConfig;
  /** What this server applied, in all its lives. */
  readonly events: HealthEvent[] = [];
  halted: Error | null = null;
  id = '';
  handlers: RpcHandlers | null = null;
  #cluster: TestCluster;
  #process: VirtualProcess | null = null;
  #server: Server | null = null;

  constructor(cluster: TestCluster, name: string, serverConfig: ServerConfig) {
    this.#cluster = cluster;
    this.name = name;
    this.config = serverConfig;
    const clock: Clock = {
      nowMs: () => cluster.clock.nowMs(),
      wallMs: () => cluster.clock.wallMs(),
      after: (delayMs, run): Timer => cluster.clock.after(delayMs, () => this.#process?.deliver(run)),
    };
    this.disk = new SimDisk({ random: cluster.random.fork(`disk ${name}`), clock });
  }

  get isUp(): boolean {
    return this.#server !== null;
  }

  get server(): Server {
    if (this.#server === null) throw new Error(`${this.name} is down`);
    return this.#server;
  }

  get consensus(): Consensus {
    const { consensus } = this.server;
    if (consensus === null) throw new Error(`${this.name} is in no cluster`);
    return consensus;
  }

  get raft(): ReturnType<Consensus['replica']['status']> | undefined {
    return this.#server?.consensus?.replica.status();
  }

  get process(): VirtualProcess {
    if (this.#process === null) throw new Error(`${this.name} is down`);
    return this.#process;
  }

  /** As an agent on this very host would ask. */
  get rpc(): Rpc {
    return this.server.localRpc();
  }

  member() {
    const state = this.isUp ? ('alive' as const) : ('failed' as const);
    const rpc = { host: this.name, port: 8300 };
    return { id: this.id, host: this.name, state, server: { rpc, expect: this.config.expect } };
  }

  async start(): Promise<void> {
    const { clock, random } = this.#cluster;
    const process = new VirtualProcess(clock);
    this.#process = process;
    const starting = this.#start(process, random.fork(this.name));
    let isOver = false;
    const over = starting.finally(() => {
      isOver = true;
    });
    over.catch(() => {});
    while (!isOver) await clock.settleFor(1);
    await starting;
  }

  /** kill -9: what was written stays. With `power`, what was not synced is lost as well. */
  crash(power = true): void {
    this.process.stop();
    this.#process = null;
    this.#server = null;
    this.handlers = null;
    if (power) this.disk.crash('all');
    else this.disk.killProcess();
    this.#cluster.network.power(this.name, false);
  }

  async stop(): Promise<void> {
    const stopping = this.server.stop();
    let isOver = false;
    void stopping.finally(() => {
      isOver = true;
    });
    while (!isOver) await this.#cluster.clock.settleFor(10);
    this.#process?.stop();
    this.#process = null;
    this.#server = null;
    this.handlers = null;
  }

  async #start(process: VirtualProcess, random: SeededRandom): Promise<void> {
    const { network } = this.#cluster;
    network.power(this.name, true);
    const folder = await DataFolder.open('/data', { disk: this.disk, random, clock: process });
    this.id = folder.meta.nodeId;
    const server = new Server({
      config: this.config,
      disk: this.disk,
      folder,
      clock: process,
      random,
      gossip: this.gossip,
      logger: silent,
      transport: (host) => this.#transport(host, process),
      defer: queueMicrotask,
      onHalt: (error) => {
        this.halted = error;
      },
      onApplied: (_entry, applied) => this.events.push(...applied.events),
    });
    await server.start();
    this.#server = server;
  }

  #transport(host: TransportHost, process: VirtualProcess): ServerTransport {
    this.handlers = host.handlers;
    return {
      links: {
        setAddress() {},
        forget() {},
        send: (to, messages) => this.#send(host.identity(), process, to, messages),
        rpc: (to) => this.#rpc(host, process, to),
      },
      start: async () => ({ host: this.name, port: 8300 }),
      agent: () => null,
      announceCluster() {},
      stop: async () => {},
    };
  }

  #send(peer: RpcPeer, process: VirtualProcess, to: string, messages: readonly RaftMessage[]): void {
    const other = this.#other(to);
    if (other === undefined || !process.running) return;
    this.#carry(this, other, () => other.handlers?.notices['raft.messages']({ messages }, peer));
  }

  #rpc(host: TransportHost, process: VirtualProcess, to: string): Rpc {
    const call = (method: string, params: unknown, options?: { timeoutMs?: number }): Promise<unknown> => {
      const other = this.#other(to);
      return new Promise((resolve, reject) => {
        const timer = process.after(options?.timeoutMs ?? 10_000, () => reject(new ExpectedError('TIMEOUT')));
        const back = (act: () => void) => {
          if (other === undefined) return;
          this.#carry(other, this, () => {
            timer.cancel();
            act();
          });
        };
        if (other?.handlers == null) {
          process.after(1, () => reject(new ExpectedError('CONNECTION_LOST')));
          return;
        }
        this.#carry(this, other, () => {
          const handler = other.handlers?.calls[method as 'status'] as
            | ((params: unknown, peer: RpcPeer) => Promise<unknown>)
            | undefined;
          if (handler === undefined) return back(() => reject(new ExpectedError('CONNECTION_LOST')));
          handler(params, host.identity()).then(
            (answer) => back(() => resolve(answer)),
            (error: unknown) => back(() => reject(error)),
          );
        });
      });
    };
    const stream = async function* (
      this: TestServer,
      method: 'events.read',
      params: never,
      options?: { signal?: AbortSignal },
    ) {
      const handlers = this.#other(to)?.handlers;
      if (handlers == null) throw new ExpectedError('CONNECTION_LOST');
      const signal = options?.signal ?? new AbortController().signal;
      yield* handlers.streams[method](params, host.identity(), signal);
    };
    const notify = (method: string, params: unknown): void => {
      const other = this.#other(to);
      const handler = (notices: RpcHandlers['notices'] | undefined) =>
        notices?.[method as 'gossip.dossier'] as ((params: unknown, peer: RpcPeer) => void) | undefined;
      if (other !== undefined) {
        this.#carry(this, other, () => handler(other.handlers?.notices)?.(params, host.identity()));
      }
    };
    return { call, stream: stream.bind(this), notify } as unknown as Rpc;
  }

  #carry(from: TestServer, to: TestServer, arrive: () => void): void {
    const { network, random } = this.#cluster;
    network.carry(from.name, to.name, random.between(0.2, 1), () => {
      if (to.#process !== null) to.#process.deliver(arrive);
    });
  }

  #other(id: string): TestServer | undefined {
    return this.#cluster.servers.find((server) => server.id === id);
  }
}
