/** Everything that leaves by UDP: a message with news riding along, or news alone, sealed and labelled. */

import { nonceBytes, type Seal } from '../../proto/gossip/encryption.ts';
import { encodePacket, packetRoom, partOverhead } from '../../proto/gossip/envelope.ts';
import type { PacketMessage } from '../../proto/gossip/messages.ts';
import { encodeMessage } from '../../proto/gossip/packets.ts';
import type { Endpoint, Random, Send } from '../../proto/ports.ts';
import type { Broadcasts } from './broadcasts.ts';
import type { Counters } from './counters.ts';
import type { Keyring } from './keyring.ts';
import type { MemberRecord } from './records.ts';

/** memberlist protocol from which on a member understands checksums, nacks and TCP pings. */
const crcSince = 5;
const nackSince = 4;
const streamPingSince = 3;

/** Sealing version 1 is what every peer of memberlist protocol 2 opens and sends. */
const sealVersion = 1;
/** Less room than any piece of news needs. */
const roomMin = 8;

export class Outbox {
  readonly broadcasts: Broadcasts;
  readonly #send: Send;
  readonly #random: Random;
  readonly #keyring: Keyring;
  readonly #label: Uint8Array;
  readonly #packetBytesMax: number;
  readonly #counters: Counters;

  constructor(options: {
    send: Send;
    random: Random;
    keyring: Keyring;
    label: Uint8Array;
    packetBytesMax: number;
    broadcasts: Broadcasts;
    counters: Counters;
  }) {
    this.#send = options.send;
    this.#random = options.random;
    this.#keyring = options.keyring;
    this.#label = options.label;
    this.#packetBytesMax = options.packetBytesMax;
    this.broadcasts = options.broadcasts;
    this.#counters = options.counters;
  }

  /** These messages, filled up with news. */
  post(to: Endpoint, ...messages: PacketMessage[]): void {
    const parts = messages.map(encodeMessage);
    this.#dispatch(to, [...parts, ...this.#news(parts)], false);
  }

  /** Exactly these messages: for answers that the other side forwards or measures. */
  postBare(to: Endpoint, ...messages: PacketMessage[]): void {
    this.#dispatch(to, messages.map(encodeMessage), false);
  }

  /** Messages for a member whose abilities we know, without other news. */
  postTo(member: MemberRecord, ...messages: PacketMessage[]): void {
    this.#dispatch(member.endpoint, messages.map(encodeMessage), checksCrc(member));
  }

  /** News about a member, for everybody; it replaces older news of that member. `onTold` when it has been told often enough. */
  tell(message: PacketMessage & { readonly node: string }, onTold: (() => void) | null = null): void {
    this.broadcasts.news.queue(encodeMessage(message), message.node, onTold);
  }

  /** A packet of news; false when there is nothing to tell. */
  gossip(to: MemberRecord): boolean {
    const news = this.#news([]);
    if (news.length === 0) return false;
    this.#dispatch(to.endpoint, news, checksCrc(to));
    return true;
  }

  /** These messages as a packet that somebody else sends; it counts as sent. */
  packetOf(...messages: PacketMessage[]): Uint8Array {
    return this.#encode(messages.map(encodeMessage), false);
  }

  /** How to seal the next message of any kind; null when nothing is encrypted. */
  nextSeal(): Seal | null {
    const key = this.#keyring.primary;
    return key === null ? null : { key, nonce: this.#random.bytes(nonceBytes), version: sealVersion };
  }

  /** What fits behind these parts. */
  #news(parts: readonly Uint8Array[]): Uint8Array[] {
    if (this.broadcasts.size === 0) return [];
    let firstBytes = 0;
    for (const part of parts) firstBytes += part.length + partOverhead;
    const room = packetRoom({
      label: this.#label,
      sealVersion: this.#keyring.primary === null ? null : sealVersion,
      firstBytes,
      packetBytesMax: this.#packetBytesMax,
    });
    return room < roomMin ? [] : this.broadcasts.take(room, parts.length);
  }

  #dispatch(to: Endpoint, messages: readonly Uint8Array[], crc: boolean): void {
    this.#send(to, this.#encode(messages, crc));
  }

  #encode(messages: readonly Uint8Array[], crc: boolean): Uint8Array {
    const packet = encodePacket(messages, {
      label: this.#label,
      crc,
      compress: false,
      seal: this.nextSeal(),
    });
    this.#counters.add('packets_sent');
    this.#counters.add('packet_bytes_sent', packet.length);
    return packet;
  }
}

function protocolMax(member: MemberRecord): number {
  return member.vsn[1] ?? 0;
}

export function checksCrc(member: MemberRecord): boolean {
  return protocolMax(member) >= crcSince;
}

export function canNack(member: MemberRecord): boolean {
  return protocolMax(member) >= nackSince;
}

export function answersStreamPing(member: MemberRecord): boolean {
  return protocolMax(member) >= streamPingSince;
}
