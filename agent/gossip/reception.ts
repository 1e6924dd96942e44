/** What comes in, by packet or by stream, and who deals with it. */
import { formatAddress } from '../../proto/address.ts';
import { decodePacket } from '../../proto/gossip/envelope.ts';
import type { KinSeen } from '../../proto/gossip/kin.ts';
import type { AckResp, PacketMessage, Ping, StreamMessage } from '../../proto/gossip/messages.ts';
import type { Endpoint } from '../../proto/ports.ts';
import { hostOf } from './addresses.ts';
import type { Beliefs } from './beliefs.ts';
import { type Errands, sourceOf } from './errands.ts';
import type { Kin } from './kin.ts';
import type { KinExchange } from './kin-exchange.ts';
import type { Parts } from './parts.ts';
import type { PushPulls } from './push-pull.ts';
import type { Coordinates } from './serf/coordinates.ts';
import type { Serf } from './serf/serf.ts';
import type { StreamReader } from './streams.ts';

export interface ReceptionOptions {
  readonly parts: Parts;
  readonly beliefs: Beliefs;
  readonly serf: Serf;
  readonly errands: Errands;
  readonly pushPulls: PushPulls;
  readonly kin: Kin;
  readonly kinExchange: KinExchange;
  readonly coordinates: Coordinates;
  /** Somebody sees us under another address. */
  readonly onSeen: (by: string, address: string) => void;
}

export class Reception {
  readonly #parts: Parts;
  readonly #rooms: ReceptionOptions;

  constructor(options: ReceptionOptions) {
    this.#parts = options.parts;
    this.#rooms = options;
  }

  receivePacket(from: Endpoint, packet: Uint8Array): void {
    const { counters, deadlines, intruders, opening, self } = this.#parts;
    deadlines.noticeStall();
    this.#parts.awareness.onHeard(deadlines.nowMs());
    counters.add('packets_received');
    counters.add('packet_bytes_received', packet.length);
    const { messages, refusals } = decodePacket(packet, opening());
    for (const reason of refusals) intruders.note(from, reason);
    // Somebody who suspects us for something that we have refuted long ago has missed the refutation.
    const outdated = messages.some(
      (message) =>
        message.type === 'suspect' && message.node === self.name && message.incarnation < self.incarnation,
    );
    // Pings last: a ping to a suspect brings the suspicion along, and the ack shall bring back what we say to that.
    for (const message of messages) if (message.type !== 'ping') this.#receive(from, message);
    for (const message of messages) if (message.type === 'ping') this.#answer(from, message, outdated);
  }

  acceptStream(from: Endpoint): StreamReader {
    this.#parts.deadlines.noticeStall();
    this.#parts.counters.add('streams_accepted');
    return this.#parts.exchanges.accept(from, (message) => this.#serve(message));
  }

  #receive(from: Endpoint, message: Exclude<PacketMessage, Ping>): void {
    const { acks, counters } = this.#parts;
    const { beliefs, errands } = this.#rooms;
    switch (message.type) {
      case 'indirectPing':
        errands.run(message, from);
        break;
      case 'ackResp':
        if (!acks.receiveAck(message.seqNo, message.payload)) counters.add('acks_late');
        break;
      case 'nackResp':
        acks.receiveNack(message.seqNo, from);
        break;
      case 'suspect':
        beliefs.hearSuspect(message);
        break;
      case 'alive':
        beliefs.hearAlive(message);
        break;
      case 'dead':
        beliefs.hearDead(message);
        break;
      case 'user':
        this.#receiveUser(message.payload);
    }
  }

  #receiveUser(payload: Uint8Array): void {
    const { kin, serf } = this.#rooms;
    const message = kin.read(payload);
    if (message === undefined) serf.receive(payload);
    else if (message?.type === 'kin.refused') this.#parts.acks.receiveRefusal(message.seqNo, message.from);
    else if (message?.type === 'kin.seen') this.#onSeen(message);
  }

  #onSeen({ addr, from, port }: KinSeen): void {
    const host = hostOf(addr);
    if (host !== undefined) this.#rooms.onSeen(from, formatAddress({ host, port }));
  }

  #answer(from: Endpoint, ping: Ping, outdated: boolean): void {
    const { counters, outbox, self } = this.#parts;
    if (!this.#isForUs(ping)) {
      counters.add('pings_for_others');
      return;
    }
    const ack: AckResp = { type: 'ackResp', seqNo: ping.seqNo, payload: this.#rooms.coordinates.payload() };
    this.#rooms.kin.noticeSource(ping.sourceNode, from);
    const asker = sourceOf(ping, from);
    if (outdated && self.state === 'present') outbox.post(asker, ack, self.alive());
    else outbox.post(asker, ack);
  }

  #serve(message: StreamMessage): StreamMessage | null {
    this.#parts.deadlines.noticeStall();
    const { kin, kinExchange, pushPulls, serf } = this.#rooms;
    switch (message.type) {
      case 'pushPull':
        return pushPulls.serve(message);
      case 'ping':
        return this.#isForUs(message) ? { type: 'ackResp', seqNo: message.seqNo, payload: null } : null;
      case 'user': {
        const ours = kin.read(message.payload);
        if (ours === undefined) serf.receive(message.payload);
        return ours ? kinExchange.serve(ours) : null;
      }
      default:
        return null;
    }
  }

  /** A ping without a name means whoever receives it. */
  #isForUs({ node }: Ping): boolean {
    return node === '' || node === this.#parts.self.name;
  }
}
