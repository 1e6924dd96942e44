/**
 * The gossip core with its sockets, its files and the real clock, in whichever thread it lives. Calls come in over a
 * link and are answered there; everything the core reports goes out over it.
 */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { parseAddress } from '../proto/address.ts';
import { messageOf } from '../proto/errors.ts';
import type { Disk, Endpoint } from '../proto/ports.ts';
import { gossipProfiles } from './gossip/config.ts';
import { Gossip } from './gossip/gossip.ts';
import { type Keyring, keyFromBase64 } from './gossip/keyring.ts';
import type { JoinResult } from './gossip/membership.ts';
import type { GossipEvent } from './gossip/options.ts';
import type { SnapshotContent } from './gossip/serf/snapshot.ts';
import { loadKeyring, saveKeyring } from './gossip-keyring.ts';
import {
  type FromThread,
  type GossipCalls,
  type GossipSettings,
  type Link,
  type ToThread,
  toWire,
} from './gossip-link.ts';
import { SnapshotFile } from './gossip-snapshot.ts';
import { hostClock } from './host/clock.ts';
import { RealDisk } from './host/disk.ts';
import { hostRandom } from './host/random.ts';
import { Knocker } from './knocker.ts';
import { Transport } from './transport.ts';

type Handlers = {
  readonly [M in keyof GossipCalls]: (params: GossipCalls[M]['params']) => Promise<GossipCalls[M]['result']>;
};

/** Members of the last life that are tried at once after a start; one that answers knows the others. */
const rejoinTriesMax = 8;
/** Queries that the application may still answer. */
const openQueriesMax = 256;

/** A stop of the gossip thread that is worth a notice, in milliseconds. */
const stallToldMs = 1_000;

interface HostParts {
  readonly link: Link<FromThread, ToThread>;
  readonly settings: GossipSettings;
  readonly disk: Disk;
  readonly keyring: Keyring;
  readonly transport: Transport;
  readonly knocker: Knocker;
  readonly snapshot: SnapshotFile | null;
}

export class GossipHost {
  readonly #parts: HostParts;
  readonly #gossip: Gossip;
  readonly #openQueries = new Map<number, (payload: Uint8Array) => void>();
  #queries = 0;
  #saving: Promise<void> = Promise.resolve();
  #stopped = false;

  private constructor(parts: HostParts, makeGossip: (onEvent: (event: GossipEvent) => void) => Gossip) {
    this.#parts = parts;
    this.#gossip = makeGossip((event) => this.#onEvent(event));
  }

  /** Answers over the link with `ready` or `failed`, and lives until it is told to stop. */
  static async start(link: Link<FromThread, ToThread>, settings: GossipSettings): Promise<GossipHost | null> {
    try {
      const host = await GossipHost.#open(link, settings);
      link.onMessage((message) => host.#receive(message));
      return host;
    } catch (error) {
      link.post({ failed: toWire(error) });
      return null;
    }
  }

  static async #open(link: Link<FromThread, ToThread>, settings: GossipSettings): Promise<GossipHost> {
    const disk = new RealDisk();
    const config = { ...gossipProfiles[settings.profile], ...settings.config };
    const keyring = await loadKeyring(disk, settings.keyringPath, settings.keys);
    let gossip: Gossip | null = null;
    const opened = await openSnapshot(link, disk, settings.snapshotPath, () => gossip!.clocks());
    const transport = await Transport.open({
      bind: settings.bind,
      streamTimeoutMs: config.streamTimeoutMs,
      onPacket: (from, packet) => gossip?.receivePacket(from, packet),
      onStream: (from) => gossip!.acceptStream(from),
    });
    const knocker = new Knocker(transport.local.host);
    const parts = { link, settings, disk, keyring, transport, knocker, snapshot: opened?.file ?? null };
    const host = await orClose(
      transport,
      () =>
        new GossipHost(parts, (onEvent) => {
          const { local } = transport;
          gossip = new Gossip({
            name: settings.name,
            advertise: { host: settings.advertise.host, port: settings.advertise.port || local.port },
            tags: settings.tags,
            config,
            label: settings.label,
            keyring,
            clock: hostClock(),
            random: hostRandom(),
            send: transport.send,
            streams: transport,
            knock: knocker.knock,
            onEvent,
            ...(opened === null ? {} : { restored: opened.content.clocks }),
          });
          return gossip;
        }),
    );
    host.#gossip.start();
    const self = host.#gossip.self();
    link.post({ ready: { local: transport.local, self, ring: [...keyring.keys] } });
    if (opened !== null) host.#rejoin(opened.content);
    return host;
  }

  get gossip(): Gossip {
    return this.#gossip;
  }

  readonly #handlers: Handlers = {
    join: ({ addresses }) => this.#join(addresses),
    leave: async ({ forGood }) => {
      await new Promise<void>((resolve) => this.#gossip.leave(resolve));
      if (forGood) this.#parts.snapshot?.noteLeave();
      return null;
    },
    forceLeave: async ({ name, prune }) => this.#gossip.forceLeave(name, prune),
    setTags: async ({ tags }) => {
      await new Promise<void>((resolve) => this.#gossip.setTags(tags, resolve));
      return null;
    },
    fireEvent: async ({ name, payload, coalesce }) => {
      this.#gossip.fireEvent(name, payload, coalesce);
      return null;
    },
    query: (request) => new Promise((resolve) => this.#gossip.query(request, { onDone: resolve })),
    keys: async ({ operation, key }) => {
      const raw = operation === 'list' ? new Uint8Array(0) : keyFromBase64(key);
      return await new Promise((resolve) => this.#gossip.keys(operation, raw, resolve));
    },
    stats: async () => ({ ...this.#gossip.stats(), ...transportStats(this.#parts) }),
    stop: async () => {
      await this.#stop();
      return null;
    },
  };

  #receive(message: ToThread): void {
    if ('answer' in message) {
      const respond = this.#openQueries.get(message.answer);
      this.#openQueries.delete(message.answer);
      if (message.payload !== null) respond?.(message.payload);
      return;
    }
    const { id, call, params } = message;
    const handle = this.#handlers[call] as (params: unknown) => Promise<unknown>;
    handle(params).then(
      (result) => this.#parts.link.post({ id, result }),
      (error: unknown) => this.#parts.link.post({ id, error: toWire(error) }),
    );
  }

  #onEvent(event: GossipEvent): void {
    const { link, snapshot } = this.#parts;
    switch (event.kind) {
      case 'change':
        snapshot?.note(event.change);
        link.post({ change: event.change });
        break;
      case 'member':
        link.post({ member: event.member });
        break;
      case 'user-event':
        snapshot?.noteTime();
        link.post({ userEvent: event.event });
        break;
      case 'query':
        this.#onQuery(event);
        break;
      case 'stall':
        // Shorter ones are counted and weigh on our health; people need not hear of every one.
        if (event.stallMs >= stallToldMs) link.post({ notice: event });
        break;
      case 'keys-changed':
        link.post({ ring: [...this.#parts.keyring.keys] });
        this.#saveKeys();
        break;
      default:
        link.post({ notice: event });
    }
  }

  #onQuery({ query, respond }: GossipEvent & { kind: 'query' }): void {
    this.#queries += 1;
    if (this.#openQueries.size >= openQueriesMax) this.#openQueries.delete(this.#queries - openQueriesMax);
    this.#openQueries.set(this.#queries, respond);
    const payload = query.payload?.slice() ?? new Uint8Array(0);
    this.#parts.link.post({ query: this.#queries, name: query.name, payload, from: query.sourceNode });
  }

  async #join(addresses: readonly string[]): Promise<JoinResult> {
    const targets = await Promise.all(addresses.map((address) => this.#resolve(address)));
    const endpoints = targets.flatMap((target) => target.endpoints);
    const outcomes = await new Promise<readonly (string | null)[]>((resolve) =>
      this.#gossip.join(endpoints, resolve),
    );
    const failures: { address: string; message: string }[] = [];
    let next = 0;
    for (const { address, endpoints: own, failure } of targets) {
      const results = outcomes.slice(next, next + own.length);
      next += own.length;
      // A name with several addresses is joined when one of them answers.
      if (!results.includes(null))
        failures.push({ address, message: failure ?? results[0] ?? 'it has no address' });
    }
    return { joined: addresses.length - failures.length, failures };
  }

  async #resolve(
    address: string,
  ): Promise<{ address: string; endpoints: Endpoint[]; failure: string | null }> {
    try {
      const { host, port } = parseAddress(address, this.#parts.settings.defaultPort);
      if (isIP(host) !== 0) return { address, endpoints: [{ host, port }], failure: null };
      const found = await lookup(host, { all: true });
      return { address, endpoints: found.map((entry) => ({ host: entry.address, port })), failure: null };
    } catch (error) {
      return { address, endpoints: [], failure: messageOf(error) };
    }
  }

  /** Back to those we knew: the first that answers tells us of the rest. */
  #rejoin({ alive }: SnapshotContent): void {
    const { settings } = this.#parts;
    const others = [...alive].filter(([name]) => name !== settings.name).map(([, endpoint]) => endpoint);
    const random = hostRandom();
    const some = others
      .map((endpoint) => ({ endpoint, order: random.unit() }))
      .sort((a, b) => a.order - b.order)
      .slice(0, rejoinTriesMax);
    if (some.length > 0) {
      this.#gossip.join(
        some.map(({ endpoint }) => endpoint),
        () => {},
      );
    }
  }

  #saveKeys(): void {
    const { disk, keyring, link, settings } = this.#parts;
    const path = settings.keyringPath;
    if (path === null) return;
    this.#saving = this.#saving
      .then(() => saveKeyring(disk, path, keyring))
      .catch((error: unknown) => {
        const message = `the gossip keyring ${path} cannot be written: ${messageOf(error)}`;
        link.post({ notice: { kind: 'disk', message } });
      });
  }

  async #stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#gossip.stop();
    this.#parts.knocker.close();
    await this.#parts.snapshot?.close();
    await this.#saving;
    await this.#parts.transport.close();
  }
}

async function openSnapshot(
  link: Link<FromThread, ToThread>,
  disk: Disk,
  path: string | null,
  clocks: () => SnapshotContent['clocks'],
) {
  if (path === null) return null;
  const onError = (message: string) => link.post({ notice: { kind: 'disk', message } });
  try {
    return await SnapshotFile.open({ disk, path, clocks, onError });
  } catch (error) {
    onError(`the gossip snapshot ${path} cannot be used: ${messageOf(error)}`);
    return null;
  }
}

function transportStats({ knocker, transport: { counters } }: HostParts): Record<string, number> {
  return {
    knocks_too_many: knocker.counters.knocksTooMany,
    packets_unsendable: counters.packetsUnsendable,
    streams_served: counters.streamsServed,
    streams_too_many: counters.streamsTooMany,
    streams_timed_out: counters.streamsTimedOut,
  };
}

/** A start that fails must not keep the port. */
async function orClose<T>(transport: Transport, make: () => T): Promise<T> {
  try {
    return make();
  } catch (error) {
    await transport.close();
    throw error;
  }
}
