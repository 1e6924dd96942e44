/**
 * Two clusters that a benchmark compares: lean processes with our gossip (`gossip-member.ts`), and stock `serf agent`s. Each
 * member has a loopback address of its own, and everything it says is a line on its output, stamped when it arrives here, so
 * both are heard in the same way.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from './program.ts';

export type Make = 'rollcall' | 'serf';

export interface News {
  readonly kind: 'ready' | 'joined' | 'failed' | 'event';
  /** The member or the user event that it is about. */
  readonly subject: string;
  readonly atMs: number;
}

const gossipPort = 8301;
const serfRpcPort = 7373;
const startPatienceMs = 120_000;
const memberProgram = fileURLToPath(new URL('./gossip-member.js', import.meta.url));

const readers: Record<Make, (line: string) => Omit<News, 'atMs'> | undefined> = {
  rollcall: (line) => {
    const [word = '', subject = ''] = line.split(' ');
    const kind = word === 'recovered' ? 'joined' : word;
    return kind === 'ready' || kind === 'joined' || kind === 'failed' || kind === 'event'
      ? { kind, subject }
      : undefined;
  },
  serf: (line) => {
    if (line.includes('Serf agent running!')) return { kind: 'ready', subject: '' };
    const [, what, member] = /serf: EventMember(Join|Failed): (\S+)/.exec(line) ?? [];
    if (member !== undefined) return { kind: what === 'Join' ? 'joined' : 'failed', subject: member };
    const event = /Received event: user-event: (\S+)/.exec(line)?.[1];
    return event === undefined ? undefined : { kind: 'event', subject: event };
  },
};

/** One process of a cluster; it can be ended and started again under its name and address. */
export class GossipProcess {
  readonly name: string;
  readonly address: string;
  /** Members that it takes for alive, itself not counted. */
  readonly alive = new Set<string>();
  readonly #make: Make;
  readonly #onNews: (news: News) => void;
  #child: ChildProcess | null = null;
  #isReady = false;

  constructor(make: Make, name: string, address: string, onNews: (news: News) => void) {
    this.#make = make;
    this.name = name;
    this.address = address;
    this.#onNews = onNews;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  async start(first: GossipProcess): Promise<void> {
    const [command, ...args] = this.#make === 'serf' ? this.#serf(first) : this.#rollcall(first);
    this.#isReady = false;
    this.alive.clear();
    const child = spawn(command!, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(line));
    await until(
      `${this.name} runs`,
      async () => {
        if (child.exitCode !== null) throw new Error(`${this.name} has ended`);
        return this.#isReady || undefined;
      },
      startPatienceMs,
    );
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async fireEvent(name: string): Promise<void> {
    if (this.#make === 'rollcall') this.#child?.stdin?.write(`event ${name}\n`);
    else {
      const rpc = `-rpc-addr=${this.address}:${serfRpcPort}`;
      await promisify(execFile)('serf', ['event', rpc, '-coalesce=false', name, 'x'.repeat(64)]);
    }
  }

  #rollcall(first: GossipProcess): string[] {
    const join = first === this ? [] : [`${first.address}:${gossipPort}`];
    return [process.execPath, memberProgram, this.name, this.address, ...join];
  }

  #serf(first: GossipProcess): string[] {
    const join = first === this ? [] : [`-join=${first.address}:${gossipPort}`];
    const own = [`-bind=${this.address}:${gossipPort}`, `-rpc-addr=${this.address}:${serfRpcPort}`];
    return ['serf', 'agent', `-node=${this.name}`, ...own, ...join];
  }

  #hear(line: string): void {
    const heard = readers[this.#make](line);
    if (heard === undefined) return;
    if (heard.kind === 'ready') this.#isReady = true;
    if (heard.subject !== this.name && heard.kind === 'joined') this.alive.add(heard.subject);
    if (heard.kind === 'failed') this.alive.delete(heard.subject);
    this.#onNews({ ...heard, atMs: performance.now() });
  }
}

export class GossipCluster {
  readonly make: Make;
  readonly members: readonly GossipProcess[];
  readonly #listeners = new Set<(news: News, from: GossipProcess) => void>();

  /** `net`: third byte of the addresses, so that two clusters on one machine do not meet. */
  private constructor(make: Make, net: number, size: number) {
    this.make = make;
    this.members = Array.from({ length: size }, (_, index) => {
      const member: GossipProcess = new GossipProcess(
        make,
        `${make}-${index}`,
        `127.0.${net}.${index + 1}`,
        (news) => {
          for (const listener of this.#listeners) listener(news, member);
        },
      );
      return member;
    });
  }

  /** Resolves when every member knows all others. */
  static async start(make: Make, net: number, size: number): Promise<GossipCluster> {
    const cluster = new GossipCluster(make, net, size);
    const [first] = cluster.members;
    await first!.start(first!);
    await Promise.all(cluster.members.slice(1).map((member) => member.start(first!)));
    await cluster.whole();
    return cluster;
  }

  async whole(): Promise<void> {
    const others = this.members.length - 1;
    await until(
      `all of ${this.make} know each other`,
      async () => this.members.every(({ alive }) => alive.size === others) || undefined,
      startPatienceMs,
    );
  }

  /** Returns the function that ends the listening. */
  onNews(listener: (news: News, from: GossipProcess) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
  }
}
