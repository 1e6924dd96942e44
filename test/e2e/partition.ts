/**
 * A network of real processes that can be cut, on loopback and without any right that a user lacks. Each host listens on an
 * address of its own (127.0.1.n) and tells the others another one (127.0.2.n); behind that stands this proxy, and passes
 * on what may pass. What is cut is silent as in a real partition: packets vanish, connections stay open and say nothing,
 * also of their end, and go on where they were when the cut is healed.
 */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Ports, TestAgent } from './agents.ts';

interface Host {
  readonly name: string;
  /** Where it listens. */
  readonly bind: string;
  /** What it tells the others. */
  readonly advertised: string;
  readonly ports: Ports;
  readonly udp: UdpSocket;
  readonly listeners: Server[];
  agent: TestAgent | null;
}

/** One connection through the proxy. */
interface Flow {
  readonly from: Host | null;
  readonly to: Host;
  readonly client: Socket;
  /** Null until the way is open in both directions. */
  upstream: Socket | null;
  isOver: boolean;
}

export class Partition {
  readonly #hosts: Host[] = [];
  readonly #flows = new Set<Flow>();
  /** `from>to` */
  readonly #cuts = new Set<string>();

  /** Flags of the agent that is about to start with these ports. */
  async add(name: string, ports: Ports): Promise<string[]> {
    const number = this.#hosts.length + 1;
    const host: Host = {
      name,
      bind: `127.0.1.${number}`,
      advertised: `127.0.2.${number}`,
      ports,
      udp: createSocket('udp4'),
      listeners: [],
      agent: null,
    };
    this.#hosts.push(host);
    host.udp.bind(ports.serf, host.advertised);
    host.udp.on('message', (packet, { address }) => this.#carry(packet, address, host));
    // Nobody listens while an agent is down.
    host.udp.on('error', () => {});
    await once(host.udp, 'listening');
    for (const port of [ports.serf, ports.server]) {
      const listener = createServer(
        { pauseOnConnect: true },
        (socket) => void this.#accept(socket, host, port),
      );
      host.listeners.push(listener.listen(port, host.advertised));
      await once(listener, 'listening');
    }
    return ['--bind', host.bind, '--advertise', host.advertised];
  }

  /** Where others join this host. */
  addressOf(name: string): string {
    const { advertised, ports } = this.#host(name);
    return `${advertised}:${ports.serf}`;
  }

  /** Its process is needed to tell whose connections are whose. */
  watch(agent: TestAgent): void {
    this.#host(agent.name).agent = agent;
  }

  /** Nothing passes from one to the other; the way back stays open. */
  cut(from: TestAgent, to: TestAgent): void {
    this.#cuts.add(`${from.name}>${to.name}`);
    this.#apply();
  }

  /** Nothing passes between members of different groups. */
  split(...groups: ReadonlyArray<readonly TestAgent[]>): void {
    for (const group of groups) {
      for (const other of groups) {
        if (other === group) continue;
        for (const from of group) for (const to of other) this.#cuts.add(`${from.name}>${to.name}`);
      }
    }
    this.#apply();
  }

  heal(): void {
    this.#cuts.clear();
    this.#apply();
  }

  close(): void {
    for (const { udp, listeners } of this.#hosts) {
      udp.close();
      for (const listener of listeners) listener.close();
    }
    for (const { client, upstream } of this.#flows) {
      client.destroy();
      upstream?.destroy();
    }
  }

  #host(name: string): Host {
    const host = this.#hosts.find((each) => each.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  #isOpen(from: Host | null, to: Host | null): boolean {
    return from === null || to === null || !this.#cuts.has(`${from.name}>${to.name}`);
  }

  /** From the socket of the sender's own address, so that an answer finds its way back. */
  #carry(packet: Buffer, address: string, to: Host): void {
    const from = this.#hosts.find(({ bind }) => bind === address);
    if (from !== undefined && this.#isOpen(from, to)) from.udp.send(packet, to.ports.serf, to.bind);
  }

  async #accept(client: Socket, to: Host, port: number): Promise<void> {
    client.on('error', () => {});
    const from = await this.#ownerOf(client);
    if (client.destroyed) return;
    const flow: Flow = { from, to, client, upstream: null, isOver: false };
    this.#flows.add(flow);
    client.on('data', (bytes) => flow.upstream?.write(bytes));
    client.once('close', () => this.#over(flow));
    this.#move(flow, port);
  }

  #apply(): void {
    for (const flow of this.#flows) this.#move(flow, flow.client.localPort ?? 0);
  }

  /** As far as the cuts allow it now. */
  #move(flow: Flow, port: number): void {
    const { from, to, client } = flow;
    const [there, back] = [this.#isOpen(from, to), this.#isOpen(to, from)];
    if (flow.isOver) {
      if (there && back) this.#over(flow);
      return;
    }
    if (flow.upstream === null) {
      if (!there || !back) return;
      flow.upstream = connect(port, to.bind);
      flow.upstream.on('error', () => {});
      flow.upstream.on('data', (bytes) => client.write(bytes));
      flow.upstream.once('close', () => this.#over(flow));
    }
    if (there) client.resume();
    else client.pause();
    if (back) flow.upstream.resume();
    else flow.upstream.pause();
  }

  /** One side has ended. The other hears of it when it could. */
  #over(flow: Flow): void {
    flow.isOver = true;
    if (!this.#isOpen(flow.from, flow.to) || !this.#isOpen(flow.to, flow.from)) return;
    this.#flows.delete(flow);
    flow.client.destroy();
    flow.upstream?.destroy();
  }

  /** The host whose process dialed: the kernel knows whose socket it is. */
  async #ownerOf({ remotePort, localPort }: Socket): Promise<Host | null> {
    const table = await readFile('/proc/net/tcp', 'utf8');
    const ends = [remotePort, localPort].map(
      (port = 0) => `:${port.toString(16).toUpperCase().padStart(4, '0')} `,
    );
    const line = table
      .split('\n')
      .find((each) => each.includes(`${ends[0]}`) && each.indexOf(ends[0]!) < each.indexOf(ends[1]!));
    const inode = line?.trim().split(/\s+/)[9];
    for (const host of this.#hosts) {
      if (host.agent !== null && (await holds(host.agent.process.pid, `socket:[${inode}]`))) return host;
    }
    return null;
  }
}

async function holds(pid: number, target: string): Promise<boolean> {
  const folder = `/proc/${pid}/fd`;
  for (const fd of await readdir(folder).catch(() => [])) {
    if ((await readlink(`${folder}/${fd}`).catch(() => '')) === target) return true;
  }
  return false;
}
