import { describe, expect, test } from 'vitest';
import {
  decodePacket,
  encodeCompressed,
  encodePacket,
  type Opening,
  type PacketOptions,
  packetBytesDefault,
  packetRoom,
  partOverhead,
  partsMax,
} from '../../../proto/gossip/envelope.ts';
import { labelOf, noLabel } from '../../../proto/gossip/label.ts';
import type { PacketMessage } from '../../../proto/gossip/messages.ts';
import { encodeMessage } from '../../../proto/gossip/packets.ts';
import { bytesOf, fromHex } from './golden.ts';

const bare: PacketOptions = { label: noLabel, crc: false, compress: false, seal: null };
const anybody: Opening = { label: noLabel, keys: [], acceptPlain: false };
const key = new Uint8Array(16).fill(5);
const nonce = new Uint8Array(12).fill(7);

const ping = {
  type: 'ping',
  seqNo: 1,
  node: 'web-3',
  sourceAddr: Uint8Array.of(10, 0, 0, 1),
  sourcePort: 8301,
  sourceNode: 'web-1',
} as const;
const nack = (seqNo: number): PacketMessage => ({ type: 'nackResp', seqNo });
const encodedPing = encodeMessage(ping);

/** The same layer around the innermost message, `times` times. */
function nested(times: number, wrap: (body: Uint8Array) => Uint8Array): Uint8Array {
  let body: Uint8Array = encodedPing;
  for (let i = 0; i < times; i++) body = wrap(body);
  return body;
}

function compoundOf(...parts: Uint8Array[]): Uint8Array {
  const lengths = parts.flatMap((part) => [part.length >> 8, part.length & 0xff]);
  return Uint8Array.from([7, parts.length, ...lengths, ...parts.flatMap((part) => [...part])]);
}

describe('every combination of wrappers opens again', () => {
  const options = [noLabel, labelOf('blue')].flatMap((label) =>
    [true, false].flatMap((crc) =>
      [true, false].flatMap((compress) =>
        [null, { key, nonce }, { key, nonce, version: 0 as const }].map((seal) => ({
          label,
          crc,
          compress,
          seal,
        })),
      ),
    ),
  );
  test.each(options)('label $label, crc $crc, compress $compress, seal $seal.version', (how) => {
    const messages = [ping, nack(1), nack(2)];
    const opening = { ...anybody, label: how.label, keys: how.seal === null ? [] : [key] };
    for (const some of [messages, messages.slice(0, 1)]) {
      const packet = encodePacket(some.map(encodeMessage), how);
      expect(decodePacket(packet, opening)).toEqual({
        messages: some,
        refusals: [],
        keyIndex: how.seal === null ? null : 0,
      });
    }
  });
});

describe('sending', () => {
  test('compression stays off where it does not help', () => {
    const small = encodeMessage(nack(1));
    expect(encodePacket([small], { ...bare, compress: true })).toEqual(small);
    const twins = Array.from({ length: 10 }, () => encodedPing);
    const plain = encodePacket(twins, bare);
    expect(encodePacket(twins, { ...bare, compress: true }).length).toBeLessThan(plain.length);
  });

  test('a packet filled to the calculated room keeps within the budget, with label and encryption', () => {
    for (const label of [noLabel, labelOf('blue')]) {
      for (const version of [0, 1, null] as const) {
        const room = packetRoom({ label, sealVersion: version });
        const part = new Uint8Array(100).fill(8);
        const parts: Uint8Array[] = [];
        for (let used = 0; used + partOverhead + part.length <= room; used += partOverhead + part.length) {
          parts.push(part);
        }
        const seal = version === null ? null : { key, nonce, version };
        const packet = encodePacket(parts, { ...bare, label, seal });
        expect(packet.length).toBeLessThanOrEqual(packetBytesDefault);
        expect(packet.length + partOverhead + part.length).toBeGreaterThan(packetBytesDefault - 16);
      }
    }
    const alone = packetRoom({ label: noLabel, sealVersion: null });
    expect(packetRoom({ label: noLabel, sealVersion: null, firstBytes: 66 })).toBe(alone - 66);
    expect(alone).toBe(1398);
  });

  test('what stock agents die of, or split at the wrong place, cannot leave this process', () => {
    const many = Array.from({ length: partsMax + 1 }, () => encodedPing);
    expect(() => encodePacket([new Uint8Array(0)], bare)).toThrow('invariant');
    expect(() => encodePacket([encodedPing, new Uint8Array(0)], bare)).toThrow('invariant');
    expect(() => encodePacket([], bare)).toThrow('invariant');
    expect(() => encodePacket(many, bare)).toThrow('invariant');
    expect(() => encodePacket(many.slice(1), bare)).not.toThrow();
  });
});

describe('receiving with encryption on', () => {
  const opening: Opening = { ...anybody, keys: [key] };

  test('plain packets are refused as plain, foreign ones as foreign', () => {
    const foreign = encodePacket([encodedPing], { ...bare, seal: { key: new Uint8Array(32), nonce } });
    const refusalsOf = (packet: Uint8Array) => decodePacket(packet, opening).refusals;
    expect(refusalsOf(encodedPing)).toEqual(['not-encrypted']);
    expect(refusalsOf(encodeMessage(nack(1)))).toEqual(['not-encrypted']);
    expect(refusalsOf(bytesOf('join-reply-large').subarray(0, 1400))).toEqual(['not-encrypted']);
    expect(refusalsOf(foreign)).toEqual(['wrong-key']);
  });

  test('while a cluster is moved to encryption both are taken, and one sees which came plain', () => {
    const moving = { ...opening, acceptPlain: true };
    expect(decodePacket(encodedPing, moving)).toEqual({ messages: [ping], refusals: [], keyIndex: null });
    const sealed = encodePacket([encodedPing], { ...bare, seal: { key, nonce } });
    expect(decodePacket(sealed, moving)).toEqual({ messages: [ping], refusals: [], keyIndex: 0 });
  });

  test('the label is authenticated: one that was exchanged under way does not open', () => {
    const packet = encodePacket([encodedPing], { ...bare, label: labelOf('blue'), seal: { key, nonce } });
    packet[2] = 'g'.charCodeAt(0);
    const other = decodePacket(packet, { ...opening, label: labelOf('glue') });
    expect(other.refusals).toEqual(['wrong-key']);
  });
});

describe('hostile packets', () => {
  const reading = (packet: Uint8Array) => decodePacket(packet, anybody);

  test('one bad part does not spoil the others', () => {
    const parts = [encodeMessage(nack(1)), fromHex('63'), fromHex('04'), encodeMessage(nack(2))];
    expect(reading(compoundOf(...parts))).toEqual({
      messages: [nack(1), nack(2)],
      refusals: ['unknown-type', 'truncated'],
      keyIndex: null,
    });
  });

  test('a compound that is cut short yields what is whole', () => {
    const whole = compoundOf(encodeMessage(nack(1)), encodeMessage(nack(2)));
    expect(reading(whole.subarray(0, -1))).toMatchObject({ messages: [nack(1)], refusals: ['truncated'] });
    expect(reading(whole.subarray(0, 3))).toMatchObject({ messages: [], refusals: ['truncated'] });
    expect(reading(whole.subarray(0, 1))).toMatchObject({ messages: [], refusals: ['truncated'] });
  });

  test('wrappers in wrappers are read to a depth, and no deeper', () => {
    for (const wrap of [encodeCompressed, compoundOf]) {
      expect(reading(nested(8, (body) => wrap(body))).messages).toEqual([ping]);
      expect(reading(nested(9, (body) => wrap(body)))).toMatchObject({
        messages: [],
        refusals: ['too-deep'],
      });
    }
  });

  test('a bomb is refused, and a thousand of them cost as much as one', () => {
    const bomb = encodeCompressed(new Uint8Array(300_000).fill(8));
    expect(reading(bomb).refusals).toEqual(['bomb']);
    const hundred = compoundOf(...Array.from({ length: 100 }, () => bomb));
    expect(reading(hundred).refusals).toEqual(Array(100).fill('bomb'));
    // After the first nothing is inflated any more, not even what is honest.
    expect(reading(compoundOf(bomb, encodeCompressed(encodedPing))).messages).toEqual([]);
    const half = encodeCompressed(new Uint8Array(200_000).fill(8));
    expect(reading(compoundOf(half, half)).refusals).toEqual(['bomb']);
  });

  test('a packet of very many messages is read up to a number', () => {
    const full = compoundOf(...Array.from({ length: 255 }, () => encodeMessage(nack(1))));
    const packet = compoundOf(...Array.from({ length: 9 }, () => full));
    const { messages, refusals } = reading(packet);
    expect(messages.length + refusals.length).toBeLessThan(1024 + 10);
    expect(new Set(refusals)).toEqual(new Set(['too-many']));
  });

  test.each([
    ['', 'empty'],
    ['0c', 'truncated'],
    ['0c00000000', 'empty'],
    ['f4', 'bad-label'],
    ['07', 'truncated'],
    ['09', 'truncated'],
    ['0982a4416c676f01a3427566a100', 'bad-compression'],
    ['0a00000001', 'unknown-type'],
  ])('%s is refused: %s', (hex, reason) => {
    expect(reading(fromHex(hex))).toEqual({ messages: [], refusals: [reason], keyIndex: null });
  });

  test('a label that is cut short', () => {
    const packet = decodePacket(fromHex('f404626c'), { ...anybody, label: labelOf('blue') });
    expect(packet.refusals).toEqual(['truncated']);
  });
});

test('a packet in the middle of a larger buffer is read on its own, and its fields are plain bytes', () => {
  const slab = Buffer.concat([Buffer.alloc(10, 0xff), encodedPing, Buffer.alloc(10, 0xff)]);
  const { messages } = decodePacket(slab.subarray(10, 10 + encodedPing.length), anybody);
  expect(messages).toEqual([ping]);
  expect((messages[0] as typeof ping).sourceAddr.constructor).toBe(Uint8Array);
});
