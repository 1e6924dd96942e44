/** Many gossip cores on one virtual network: hosts that start, crash, come back, stand still and leave. */
import { addressOf } from '../../agent/gossip/addresses.ts';
import { type GossipConfig, gossipProfiles } from '../../agent/gossip/config.ts';
import { Gossip } from '../../agent/gossip/gossip.ts';
import { Keyring } from '../../agent/gossip/keyring.ts';
import type { Member } from '../../agent/gossip/membership.ts';
import type { GossipEvent, GossipOptions } from '../../agent/gossip/options.ts';
import { type Announcement, Records } from '../../agent/gossip/records.ts';
import type { Echo } from '../../agent/gossip/refusal.ts';
import { metaOf, ownVsn } from '../../agent/gossip/self.ts';
import { type StreamReader, streamMore } from '../../agent/gossip/streams.ts';
import type { Endpoint } from '../../proto/ports.ts';
import { VirtualClock } from './clock.ts';
import { calm, VirtualNetwork, type Weather } from './network.ts';
import { VirtualProcess } from './process.ts';
import { SeededRandom } from './random.ts';

const gossipPort = 8301;

export interface ClusterOptions {
  readonly seed: string | number;
  readonly weather?: Weather;
  readonly config?: Partial<GossipConfig>;
  readonly keys?: readonly Uint8Array[];
  /** Members say that they are of our own kind; otherwise they treat each other as stock agents. Default true. */
  readonly kin?: boolean;
}

export interface Happening {
  readonly atMs: number;
  readonly node: string;
  readonly event: GossipEvent;
  /** For a change: whether the member that it is about was really up and running at that moment. */
  readonly memberRan: boolean;
}

export class GossipCluster {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: VirtualNetwork;
  readonly config: GossipConfig;
  readonly keys: readonly Uint8Array[];
  readonly kin: boolean;
  /** All cores share what members say of themselves, so thousands of them fit into one process. */
  readonly records = new Records({ defaultPort: gossipPort, shared: true });
  readonly nodes: SimNode[] = [];
  readonly #byName = new Map<string, SimNode>();
  /** Everything that the cores reported, in order. */
  readonly happenings: Happening[] = [];

  constructor(options: ClusterOptions) {
    this.random = new SeededRandom(options.seed);
    this.network = new VirtualNetwork(this.clock, this.random.fork('network'), options.weather ?? calm);
    this.config = { ...gossipProfiles.lan, ...options.config };
    this.keys = options.keys ?? [];
    this.kin = options.kin ?? true;
  }

  /** A host with an agent of that name; not started yet. */
  addNode(name = `n${this.nodes.length}`, host = hostOfNumber(this.nodes.length)): SimNode {
    const node = new SimNode(this, name, { host, port: gossipPort });
    this.nodes.push(node);
    this.#byName.set(name, node);
    return node;
  }

  /** `count` nodes that have found each other through the first one. */
  grow(count: number): SimNode[] {
    for (let i = 0; i < count; i++) {
      const node = this.addNode();
      node.start();
      if (node !== this.nodes[0]) node.join(this.nodes[0]!);
    }
    return this.nodes;
  }

  /** `count` nodes that have known each other for long: large clusters would take minutes to find together. */
  settle(count: number): SimNode[] {
    const nodes = Array.from({ length: count }, () => this.addNode());
    const known = nodes.map((node) => this.records.intern(node.announcement())!);
    for (const node of nodes) node.start({ known });
    return nodes;
  }

  runFor(durationMs: number): void {
    this.clock.runFor(durationMs);
  }

  find(name: string): SimNode | undefined {
    return this.#byName.get(name);
  }

  /** Names of those that report a change of this kind about a member. */
  whoSaw(kind: string, member: string): string[] {
    return this.happenings
      .filter(
        ({ event }) =>
          event.kind === 'change' && event.change.kind === kind && event.change.member.name === member,
      )
      .map(({ node }) => node);
  }
}

/** One host with at most one agent process at a time. */
export class SimNode {
  readonly name: string;
  endpoint: Endpoint;
  /** The uuid of its data folder: stays through restarts. */
  id: string;
  tags: Record<string, string> = {};
  readonly #cluster: GossipCluster;
  #process: VirtualProcess | null = null;
  #gossip: Gossip | null = null;
  #close: (() => void) | null = null;
  #starts = 0;

  constructor(cluster: GossipCluster, name: string, endpoint: Endpoint) {
    this.#cluster = cluster;
    this.name = name;
    this.endpoint = endpoint;
    this.id = `id-of-${name}`;
  }

  get gossip(): Gossip {
    if (this.#gossip === null) throw new Error(`${this.name} is not running`);
    return this.#gossip;
  }

  /** Its process exists and is not stopped for good. */
  get up(): boolean {
    return this.#process !== null && !this.#process.stopped;
  }

  /** Up, and not standing still. */
  get running(): boolean {
    return this.#process?.running ?? false;
  }

  /** What it says of itself. */
  announcement(): Announcement {
    const { host, port } = this.endpoint;
    return { node: this.name, addr: addressOf(host), port, meta: metaOf(this.#allTags()), vsn: ownVsn };
  }

  start(more: Partial<GossipOptions> = {}): void {
    const { clock, config, keys, network, random, records } = this.#cluster;
    const process = new VirtualProcess(clock);
    this.#starts += 1;
    const { endpoint } = this;
    const gossip = new Gossip({
      name: this.name,
      advertise: endpoint,
      tags: this.#allTags(),
      config,
      label: '',
      keyring: new Keyring(keys),
      clock: process,
      random: random.fork(`${this.name}#${this.#starts}`),
      records,
      send: (to, packet) => process.emit(() => network.send(endpoint, to, packet)),
      streams: {
        exchange: (to, request, timeoutMs, reader) => {
          const whole = reader === null ? null : inProcess(process, reader);
          process.emit(() => network.exchange(endpoint, to, request, timeoutMs, whole));
        },
      },
      knock: (to, packet, forMs, onEcho) => {
        const heard = (echo: Echo) => process.deliver(() => onEcho(echo));
        process.emit(() => network.knock(endpoint, to, packet, forMs, heard));
      },
      onEvent: (event) => {
        const about = event.kind === 'change' ? this.#cluster.find(event.change.member.name) : undefined;
        const memberRan = about?.running ?? false;
        this.#cluster.happenings.push({ atMs: clock.nowMs(), node: this.name, event, memberRan });
      },
      ...more,
    });
    this.#process = process;
    this.#gossip = gossip;
    this.#close = network.listen(endpoint, {
      receivePacket: (from, packet) => process.deliver(() => gossip.receivePacket(from, packet)),
      // The system accepts for a process that stands still, but nobody reads.
      acceptStream: (from) => (process.listening ? gossip.acceptStream(from) : deaf),
    });
    gossip.start();
  }

  join(...others: readonly SimNode[]): void {
    this.gossip.join(
      others.map(({ endpoint }) => endpoint),
      () => {},
    );
  }

  /** kill -9: the host goes on and refuses connections. */
  kill(): void {
    this.#process?.stop();
    this.#close?.();
  }

  /** SIGSTOP and SIGCONT. */
  pause(): void {
    this.#process?.pause();
  }

  resume(): void {
    this.#process?.resume();
  }

  /** It goes on, but handles no message and sends none until it is unmuted. */
  mute(): void {
    this.#process?.mute();
  }

  unmute(): void {
    this.#process?.unmute();
  }

  /** A graceful end. */
  leave(): void {
    this.gossip.leave(() => {
      this.gossip.stop();
      this.kill();
    });
  }

  /** What it believes of each member, by name. */
  view(): Map<string, Member> {
    return new Map(this.gossip.members().map((member) => [member.name, member]));
  }

  #allTags(): Record<string, string> {
    const { config, kin } = this.#cluster;
    return { role: 'node', id: this.id, ...(kin && { [config.kinTag]: '1' }), ...this.tags };
  }

  stateOf(name: string): Member['state'] | undefined {
    return this.view().get(name)?.state;
  }
}

const deaf: StreamReader = { receive: () => streamMore, fail: () => {} };

/** What comes for a process that stands still waits, as in the buffers of its host. */
function inProcess(process: VirtualProcess, reader: StreamReader): StreamReader {
  let done = false;
  return {
    ...(reader.open && { open: () => process.deliver(() => reader.open?.()) }),
    receive(bytes) {
      if (process.listening) {
        const step = reader.receive(bytes);
        done = step.done;
        return step;
      }
      process.deliver(() => {
        if (!done) done = reader.receive(bytes).done;
      });
      return streamMore;
    },
    fail(reason) {
      process.deliver(() => {
        if (!done) reader.fail(reason);
        done = true;
      });
    },
  };
}

function hostOfNumber(number: number): string {
  return `10.${(number >> 16) & 0xff}.${(number >> 8) & 0xff}.${number & 0xff}`;
}
