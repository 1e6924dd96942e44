/**
 * A network that can do everything a real one does to us: lose, delay, reorder and duplicate datagrams, split into
 * parts, go deaf in one direction, lose a host. Whatever it does is drawn from one seeded generator.
 *
 * Sites are hosts by their address; a site that is up answers for closed ports ("connection refused"), a site
 * that is down is silence.
 */
import type { Echo } from '../../agent/gossip/refusal.ts';
import type { StreamFailure, StreamReader } from '../../agent/gossip/streams.ts';
import type { Clock, Endpoint } from '../../proto/ports.ts';
import type { SeededRandom } from './random.ts';

export interface Weather {
  /** Share of datagrams that never arrive, 0 to 1. */
  lossShare: number;
  /** Share of datagrams that arrive twice. */
  duplicateShare: number;
  /** One-way delay, drawn evenly for each datagram, so that wide bounds reorder. */
  delayMinMs: number;
  delayMaxMs: number;
  /** Share of datagrams that take much longer, and how long at most: a heavy tail. Default 0: none. */
  tailShare?: number;
  tailMaxMs?: number;
  /** Second copies of datagrams come up to so much later, half of them. Default 0. */
  echoMaxMs?: number;
}

export const calm: Weather = { lossShare: 0, duplicateShare: 0, delayMinMs: 0.2, delayMaxMs: 1 };

/** Who listens at an endpoint. */
export interface Listener {
  receivePacket(from: Endpoint, packet: Uint8Array): void;
  acceptStream(from: Endpoint): StreamReader;
}

export interface NetworkCounters {
  packets: number;
  packetBytes: number;
  packetsLost: number;
  exchanges: number;
  exchangeBytes: number;
}

/** Where knocks come from. */
const knockPort = 50_000;
/** A lost segment of a stream costs a retransmission, not the stream. */
const retransmitMs = 200;

export class VirtualNetwork {
  weather: Weather;
  readonly counters: NetworkCounters = {
    packets: 0,
    packetBytes: 0,
    packetsLost: 0,
    exchanges: 0,
    exchangeBytes: 0,
  };
  readonly #clock: Clock;
  readonly #random: SeededRandom;
  readonly #listeners = new Map<string, Listener>();
  readonly #down = new Set<string>();
  readonly #cuts = new Set<string>();
  #islandOf = new Map<string, number>();
  #hash = 0x811c9dc5;

  constructor(clock: Clock, random: SeededRandom, weather: Weather = calm) {
    this.#clock = clock;
    this.#random = random;
    this.weather = { ...weather };
  }

  /** A number that two equal runs have in common, and two different ones almost never. */
  get traceHash(): string {
    return (this.#hash >>> 0).toString(16).padStart(8, '0');
  }

  /** Starts to listen; the returned function closes the port. */
  listen(at: Endpoint, listener: Listener): () => void {
    const key = keyOf(at);
    this.#listeners.set(key, listener);
    return () => {
      if (this.#listeners.get(key) === listener) this.#listeners.delete(key);
    };
  }

  send(from: Endpoint, to: Endpoint, packet: Uint8Array): void {
    this.counters.packetBytes += packet.length;
    this.scatter(from.host, to.host, () => {
      this.#trace(to, packet);
      this.#listeners.get(keyOf(to))?.receivePacket(from, packet);
    });
  }

  /** Something without order and without a promise: it arrives never, once or twice, after any of the delays. */
  scatter(fromSite: string, toSite: string, arrive: () => void): void {
    this.counters.packets += 1;
    const copies = this.#random.chance(this.weather.duplicateShare) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      if (this.#random.chance(this.weather.lossShare)) this.counters.packetsLost += 1;
      else this.carry(fromSite, toSite, this.#delayMs() + (copy === 0 ? 0 : this.#echoMs()), arrive);
    }
  }

  /** One stream: a request, at most one answer, in pieces as they come. */
  exchange(
    from: Endpoint,
    to: Endpoint,
    request: Uint8Array,
    timeoutMs: number,
    reader: StreamReader | null,
  ): void {
    this.counters.exchanges += 1;
    this.counters.exchangeBytes += request.length;
    let open = true;
    const end = (act: () => void) => {
      if (!open) return;
      open = false;
      act();
    };
    const fail = (reason: StreamFailure) => end(() => reader?.fail(reason));
    const back = (act: () => void) => this.carry(to.host, from.host, this.streamDelayMs(), act);
    this.#clock.after(timeoutMs, () => fail('timeout'));
    this.carry(from.host, to.host, this.streamDelayMs(), () => {
      const listener = this.#listeners.get(keyOf(to));
      if (listener === undefined) return back(() => fail('refused'));
      this.#trace(to, request);
      if (reader?.open !== undefined) back(() => open && reader.open?.());
      const server = listener.acceptStream(from);
      const step = this.#feed(server, request);
      if (!step.done) return server.fail('closed');
      const { reply } = step;
      if (reply === null) return back(() => fail('closed'));
      this.counters.exchangeBytes += reply.length;
      back(() => {
        if (!open || reader === null) return;
        this.#trace(from, reply);
        const answer = this.#feed(reader, reply);
        if (answer.done) open = false;
        else fail('closed');
      });
    });
  }

  /** A packet from a port of its own; a host that is up answers for a closed one. */
  knock(from: Endpoint, to: Endpoint, packet: Uint8Array, forMs: number, onEcho: (echo: Echo) => void): void {
    const untilMs = this.#clock.nowMs() + forMs;
    this.counters.packetBytes += packet.length;
    this.scatter(from.host, to.host, () => {
      const listener = this.#listeners.get(keyOf(to));
      if (listener !== undefined) listener.receivePacket({ ...from, port: knockPort }, packet);
      else {
        this.scatter(to.host, from.host, () => {
          if (this.#clock.nowMs() < untilMs) onEcho('unreachable');
        });
      }
    });
  }

  /** What a piece of a stream needs, with its retransmissions. */
  streamDelayMs(): number {
    let delayMs = this.#delayMs();
    let waitMs = retransmitMs;
    while (this.#random.chance(this.weather.lossShare)) {
      delayMs += waitMs;
      waitMs *= 2;
    }
    return delayMs;
  }

  /** Lets something arrive after a while, unless the way is cut when it leaves or when it would arrive. */
  carry(fromSite: string, toSite: string, delayMs: number, arrive: () => void): void {
    if (!this.reaches(fromSite, toSite)) return;
    this.#clock.after(delayMs, () => {
      if (this.reaches(fromSite, toSite)) arrive();
    });
  }

  reaches(fromSite: string, toSite: string): boolean {
    if (this.#down.size > 0 && (this.#down.has(fromSite) || this.#down.has(toSite))) return false;
    if (this.#cuts.size > 0 && this.#cuts.has(`${fromSite} ${toSite}`)) return false;
    if (this.#islandOf.size === 0) return true;
    return this.#islandOf.get(fromSite) === this.#islandOf.get(toSite);
  }

  /** Only sites of the same island hear each other; sites that are not named form one more island. */
  partition(islands: readonly (readonly string[])[]): void {
    this.#islandOf = new Map(islands.flatMap((sites, index) => sites.map((site) => [site, index])));
  }

  /** Cuts one direction. */
  cut(fromSite: string, toSite: string): void {
    this.#cuts.add(`${fromSite} ${toSite}`);
  }

  /** Takes back every partition and cut; sites that are down stay down. */
  heal(): void {
    this.#islandOf = new Map();
    this.#cuts.clear();
  }

  /** Switches a host off or on. */
  power(site: string, on: boolean): void {
    if (on) this.#down.delete(site);
    else this.#down.add(site);
  }

  /** Streams come in pieces; where they are torn must not matter, so it is drawn. */
  #feed(reader: StreamReader, bytes: Uint8Array) {
    const tear = this.#random.int(0, bytes.length + 1);
    if (tear === 0 || tear === bytes.length) return reader.receive(bytes);
    const step = reader.receive(bytes.subarray(0, tear));
    return step.done ? step : reader.receive(bytes.subarray(tear));
  }

  #echoMs(): number {
    const { echoMaxMs = 0 } = this.weather;
    return echoMaxMs > 0 && this.#random.chance(0.5) ? this.#random.between(0, echoMaxMs) : 0;
  }

  #delayMs(): number {
    const { delayMinMs, delayMaxMs, tailShare = 0, tailMaxMs = delayMaxMs } = this.weather;
    if (tailShare > 0 && this.#random.chance(tailShare)) return this.#random.between(delayMaxMs, tailMaxMs);
    return this.#random.between(delayMinMs, delayMaxMs);
  }

  /** FNV-1a over when, where to and a sample of what: enough to see two runs drift apart. */
  #trace(to: Endpoint, bytes: Uint8Array): void {
    const mix = (value: number) => {
      this.#hash = Math.imul(this.#hash ^ value, 0x01000193);
    };
    mix(Math.round(this.#clock.nowMs() * 1_000) | 0);
    mix(to.port);
    for (let i = to.host.length - 3; i < to.host.length; i++) mix(to.host.charCodeAt(Math.max(0, i)));
    mix(bytes.length);
    const stride = 1 + (bytes.length >> 6);
    for (let i = 0; i < bytes.length; i += stride) mix(bytes[i]!);
  }
}

function keyOf(endpoint: Endpoint): string {
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`;
}
