/**
 * The least that a stock agent takes for a member: sockets on loopback that answer pings and remember what they
 * hear. It decides nothing, so that a test of the codec needs no agent of ours.
 */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { connect, createServer, type Server } from 'node:net';
import { encodePingPayload } from '../../proto/gossip/coordinate.ts';
import { nonceBytes, type Seal } from '../../proto/gossip/encryption.ts';
import { decodePacket, encodePacket, type Opening } from '../../proto/gossip/envelope.ts';
import { noLabel } from '../../proto/gossip/label.ts';
import type {
  PacketMessage,
  PushNodeState,
  SerfMessage,
  SerfPushPull,
  StreamMessage,
} from '../../proto/gossip/messages.ts';
import { encodeMessage } from '../../proto/gossip/packets.ts';
import { decodeSerf, encodeSerf } from '../../proto/gossip/serf.ts';
import { encodeStream, StreamDecoder } from '../../proto/gossip/stream.ts';
import { encodeTags } from '../../proto/gossip/tags.ts';
import { freePort } from '../ports.ts';
import type { SerfProcess } from './serf-process.ts';

const exchangeTimeoutMs = 5_000;

export interface WireSettings {
  readonly compress: boolean;
  readonly crc: boolean;
  readonly key?: Uint8Array;
  readonly sealVersion?: 0 | 1;
}

export class WirePeer {
  readonly name: string;
  readonly addr = Uint8Array.of(127, 0, 0, 1);
  /** Every message that came by UDP. */
  readonly heard: PacketMessage[] = [];
  /** Names of what could not be read. */
  readonly refusals: string[] = [];
  readonly #settings: WireSettings;
  readonly #opening: Opening;
  #udp: UdpSocket | undefined;
  #tcp: Server | undefined;
  #port = 0;

  constructor(name: string, settings: WireSettings) {
    this.name = name;
    this.#settings = settings;
    const keys = settings.key === undefined ? [] : [settings.key];
    this.#opening = { label: noLabel, keys, acceptPlain: false };
  }

  get port(): number {
    return this.#port;
  }

  /** The Serf messages among what was heard. */
  get heardSerf(): SerfMessage[] {
    return this.heard.flatMap((message) => {
      const serf = message.type === 'user' ? decodeSerf(message.payload).message : undefined;
      return serf === undefined ? [] : [serf];
    });
  }

  async start(): Promise<void> {
    this.#port = await freePort('127.0.0.1');
    const udp = createSocket('udp4');
    udp.on('message', (packet, from) => this.#receive(packet, from.port));
    await new Promise<void>((resolve) => udp.bind(this.#port, '127.0.0.1', resolve));
    this.#udp = udp;
    const tcp = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => tcp.listen(this.#port, '127.0.0.1', resolve));
    this.#tcp = tcp;
  }

  stop(): void {
    this.#udp?.close();
    this.#tcp?.close();
  }

  send(port: number, ...messages: PacketMessage[]): void {
    const { compress, crc } = this.#settings;
    const packet = encodePacket(messages.map(encodeMessage), {
      label: noLabel,
      compress,
      crc,
      seal: this.#seal(),
    });
    this.#udp?.send(packet, port, '127.0.0.1');
  }

  sendSerf(port: number, ...messages: SerfMessage[]): void {
    this.send(port, ...messages.map((message) => ({ type: 'user', payload: encodeSerf(message) }) as const));
  }

  /** One TCP exchange; resolves to the answer, or to why there is none. */
  exchange(port: number, message: StreamMessage): Promise<StreamMessage | string> {
    const stream = encodeStream(message, {
      sender: 'client',
      label: noLabel,
      compress: this.#settings.compress,
      seal: this.#seal(),
    });
    const decoder = new StreamDecoder('server', this.#opening);
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => socket.write(stream));
      socket.setTimeout(exchangeTimeoutMs, () => socket.destroy(new Error('no answer')));
      socket.on('error', reject);
      socket.on('close', () => resolve(decoder.end() ?? 'closed'));
      socket.on('data', (chunk) => {
        const progress = decoder.push(chunk);
        if (progress.state === 'incomplete') return;
        resolve(progress.state === 'complete' ? progress.message : progress.reason);
        socket.destroy();
      });
    });
  }

  /** Joins with nobody but ourselves to tell of. */
  async join(serf: SerfProcess, tags: ReadonlyMap<string, string>): Promise<StreamMessage | string> {
    const state: SerfPushPull = {
      type: 'serf.pushPull',
      ltime: 1,
      eventLtime: 1,
      queryLtime: 1,
      statusLtimes: new Map([[this.name, 1]]),
      leftMembers: [],
      events: [],
    };
    const self: PushNodeState = {
      name: this.name,
      addr: this.addr,
      port: this.#port,
      meta: encodeTags(tags),
      incarnation: 1,
      state: 'alive',
      vsn: Uint8Array.of(1, 5, 2, 2, 5, 4),
    };
    const userState = encodeSerf(state);
    return this.exchange(serf.port, { type: 'pushPull', join: true, nodes: [self], userState });
  }

  #receive(packet: Uint8Array, fromPort: number): void {
    const { messages, refusals } = decodePacket(packet, this.#opening);
    this.refusals.push(...refusals);
    for (const message of messages) {
      this.heard.push(message);
      if (message.type !== 'ping') continue;
      const payload = encodePingPayload({ vec: Array(8).fill(0), height: 1e-5, adjustment: 0, error: 1.5 });
      this.send(fromPort, { type: 'ackResp', seqNo: message.seqNo, payload });
    }
  }

  #seal(): Seal | null {
    const { key, sealVersion } = this.#settings;
    return key === undefined ? null : { key, nonce: randomBytes(nonceBytes), version: sealVersion ?? 1 };
  }
}
