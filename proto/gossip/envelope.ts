/**
 * A UDP packet: messages under up to four wrappers, each of them optional (gossip-wire 3).
 *
 *     label | encryption | checksum | compression | several in one
 *
 * Encoding takes messages that are bytes already, since that is how broadcasts wait to be told. Decoding never
 * throws: a packet yields the messages that could be read and the names of what could not.
 */
import { crc32 } from 'node:zlib';
import { assert } from '../assert.ts';
import { open, type Seal, type SealVersion, seal, sealOverhead } from './encryption.ts';
import { labelOverhead, skipLabel, writeLabel } from './label.ts';
import { compress, decompress } from './lzw.ts';
import type { PacketMessage } from './messages.ts';
import { MsgpackReader, MsgpackWriter } from './msgpack.ts';
import { compressBody, decodeMessage, messageType, readMessage } from './packets.ts';
import { Refusal, type RefusalReason } from './refusal.ts';

/** memberlist's budget for a packet before label and checksum. */
export const packetBytesDefault = 1400;
/** What a message costs inside a compound, besides its own bytes. */
export const partOverhead = 2;
/** The same for a Serf message, which also needs its `user` byte. */
export const userPartOverhead = 3;
/** memberlist up to 0.2.3 splits a compound of more parts at the wrong place. */
export const partsMax = 127;

/** What an honest packet inflates to is under 2 KB; nested compression shares this limit. */
const inflatedBytesMax = 256 * 1024;
const layersMax = 8;
const messagesMax = 1024;

const crcBytes = 5;

export interface PacketOptions {
  /** See `label.ts`; empty for none. */
  readonly label: Uint8Array;
  /** Only for a receiver that is known to understand it: PMax >= 5. */
  readonly crc: boolean;
  /** Applied only where it makes the packet smaller. */
  readonly compress: boolean;
  readonly seal: Seal | null;
  /** See `compress` in `lzw.ts`; true unless told otherwise. */
  readonly lzwInitialClear?: boolean;
}

/** How to open what others send. */
export interface Opening {
  readonly label: Uint8Array;
  /** Tried in order; none at all means that nobody encrypts. */
  readonly keys: readonly Uint8Array[];
  /** While a cluster is being moved to encryption: take plain packets although there are keys. */
  readonly acceptPlain: boolean;
}

export interface DecodedPacket {
  readonly messages: readonly PacketMessage[];
  /** One for each part that could not be read; a packet refused as a whole has one and no messages. */
  readonly refusals: readonly RefusalReason[];
  /** Which of the keys opened it; null when it came plain. */
  readonly keyIndex: number | null;
}

/**
 * Bytes that are left for broadcasts behind a first message of `firstBytes` (0: a packet of broadcasts only).
 * Each broadcast also costs `partOverhead` or `userPartOverhead`.
 */
export function packetRoom(options: {
  readonly label: Uint8Array;
  /** Null when packets are not encrypted. */
  readonly sealVersion: SealVersion | null;
  readonly firstBytes?: number;
  readonly packetBytesMax?: number;
}): number {
  const { label, sealVersion, firstBytes = 0, packetBytesMax = packetBytesDefault } = options;
  const sealing = sealVersion === null ? 0 : sealOverhead(sealVersion);
  return packetBytesMax - firstBytes - 2 - sealing - labelOverhead(label);
}

/** `messages` come from `encodeMessage`: one to `partsMax`, none of them empty. */
export function encodePacket(messages: readonly Uint8Array[], options: PacketOptions): Uint8Array {
  let body = messages.length === 1 ? messages[0]! : compound(messages);
  assert(body.length > 0, 'an empty message; stock agents die of it');
  if (options.compress) {
    const compressed = encodeCompressed(body, options.lzwInitialClear);
    if (compressed.length < body.length) body = compressed;
  }
  if (options.crc) body = withCrc(body);
  if (options.seal !== null) body = seal(body, options.seal, options.label);
  if (options.label.length === 0) return body;
  const start = labelOverhead(options.label);
  const packet = new Uint8Array(start + body.length);
  writeLabel(packet, options.label);
  packet.set(body, start);
  return packet;
}

export function decodePacket(packet: Uint8Array, opening: Opening): DecodedPacket {
  const reading = new PacketReading();
  let keyIndex: number | null = null;
  reading.attempt(() => {
    const start = skipLabel(packet, opening.label);
    if (start < 0) throw new Refusal(packet.length === 0 ? 'empty' : 'truncated');
    // A plain view, so that fields are never Buffers, whatever the socket hands out.
    let body = new Uint8Array(packet.buffer, packet.byteOffset + start, packet.length - start);
    if (opening.keys.length > 0) {
      const opened = unseal(body, opening);
      body = opened.plaintext;
      keyIndex = opened.keyIndex;
    }
    reading.read(checked(body), 0);
  });
  return { messages: reading.messages, refusals: reading.refusals, keyIndex };
}

/** The compress message around `body`, on UDP as on TCP. */
export function encodeCompressed(body: Uint8Array, initialClear = true): Uint8Array {
  const buffer = compress(body, initialClear);
  const writer = new MsgpackWriter(buffer.length + 16);
  writer.byte(messageType.compress);
  compressBody.write(writer, { algorithm: 0, buffer });
  return writer.bytes;
}

/** What is inside a compress message. Throws a `Refusal`. */
export function readCompressed(encoded: Uint8Array, bytesMax: number): Uint8Array {
  const { algorithm, buffer } = compressBody.read(new MsgpackReader(encoded, 1));
  if (algorithm !== 0) throw new Refusal('bad-compression');
  return decompress(buffer, bytesMax);
}

/** One packet on its way through the layers that may be nested in each other. */
class PacketReading {
  readonly messages: PacketMessage[] = [];
  readonly refusals: RefusalReason[] = [];
  #inflatedBytesLeft = inflatedBytesMax;

  /** Notes a refusal and goes on; what was read before stays. */
  attempt(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.refusals.push(error.reason);
    }
  }

  read(body: Uint8Array, depth: number): void {
    if (depth > layersMax) throw new Refusal('too-deep');
    if (body[0] === messageType.compound) this.#readCompound(body, depth);
    else if (body[0] === messageType.compress) {
      this.read(this.#inflate(body), depth + 1);
    } else this.messages.push(readMessage(body));
  }

  /** After one part that went wrong no other is inflated, so that a thousand bombs cost as much as one. */
  #inflate(body: Uint8Array): Uint8Array {
    const bytesLeft = this.#inflatedBytesLeft;
    this.#inflatedBytesLeft = 0;
    const inflated = readCompressed(body, bytesLeft);
    this.#inflatedBytesLeft = bytesLeft - inflated.length;
    return inflated;
  }

  /** Parts that are there are read although the last ones may be missing. */
  #readCompound(body: Uint8Array, depth: number): void {
    const count = body[1];
    if (count === undefined) throw new Refusal('truncated');
    let start = 2 + count * 2;
    if (start > body.length) throw new Refusal('truncated');
    for (let i = 0; i < count; i++) {
      const end = start + body[2 + i * 2]! * 256 + body[3 + i * 2]!;
      if (end > body.length) throw new Refusal('truncated');
      if (this.messages.length + this.refusals.length >= messagesMax) throw new Refusal('too-many');
      const part = body.subarray(start, end);
      this.attempt(() => this.read(part, depth + 1));
      start = end;
    }
  }
}

function compound(messages: readonly Uint8Array[]): Uint8Array {
  assert(messages.length > 0 && messages.length <= partsMax, `a compound of ${messages.length} parts`);
  let length = 2;
  for (const message of messages) length += 2 + message.length;
  const body = new Uint8Array(length);
  body[0] = messageType.compound;
  body[1] = messages.length;
  let start = 2 + 2 * messages.length;
  for (const [i, message] of messages.entries()) {
    assert(message.length > 0, 'an empty part; stock agents die of it');
    assert(message.length <= 0xffff, `a part of ${message.length} bytes`);
    body[2 + 2 * i] = message.length >> 8;
    body[3 + 2 * i] = message.length & 0xff;
    body.set(message, start);
    start += message.length;
  }
  return body;
}

function withCrc(body: Uint8Array): Uint8Array {
  const framed = new Uint8Array(crcBytes + body.length);
  framed[0] = messageType.hasCrc;
  new DataView(framed.buffer).setUint32(1, crc32(body));
  framed.set(body, crcBytes);
  return framed;
}

/** What a checksum covers; bodies without one pass. */
function checked(body: Uint8Array): Uint8Array {
  if (body[0] !== messageType.hasCrc) return body;
  if (body.length < crcBytes) throw new Refusal('truncated');
  const covered = body.subarray(crcBytes);
  const expected = new DataView(body.buffer, body.byteOffset).getUint32(1);
  if (covered.length === 0) throw new Refusal('empty');
  if (crc32(covered) !== expected) throw new Refusal('bad-crc');
  return covered;
}

function unseal(body: Uint8Array, opening: Opening): { plaintext: Uint8Array; keyIndex: number | null } {
  try {
    return open(body, opening.keys, opening.label);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (opening.acceptPlain) return { plaintext: body, keyIndex: null };
    // Pings begin like sealed packets. Somebody who forgot to encrypt should not look like an attacker.
    throw decodeMessage(body).message === undefined ? error : new Refusal('not-encrypted');
  }
}
