/**
 * Garbage on 8301, in-process: golden packets and probes, mutated, spliced, truncated, wrapped again, and plain
 * noise, through every decoder, down to the innermost payload. Nothing may throw; what was understood must be
 * fit to be written again, since members repeat what they hear.
 *
 * `ROLLCALL_FUZZ=1000000` sets the number of inputs, `ROLLCALL_FUZZ_SEED` repeats a run.
 */
import { expect, test } from 'vitest';
import { decodePingPayload } from '../../proto/gossip/coordinate.ts';
import { seal } from '../../proto/gossip/encryption.ts';
import { decodePacket, encodeCompressed, type Opening, readCompressed } from '../../proto/gossip/envelope.ts';
import { labelOf, noLabel } from '../../proto/gossip/label.ts';
import type { PacketMessage, SerfMessage, StreamMessage } from '../../proto/gossip/messages.ts';
import { encodeMessage, encodeStreamMessage } from '../../proto/gossip/packets.ts';
import { catchRefusal } from '../../proto/gossip/refusal.ts';
import { decodeSerf, encodeSerf } from '../../proto/gossip/serf.ts';
import { decodeFilter } from '../../proto/gossip/serf-filter.ts';
import { StreamDecoder } from '../../proto/gossip/stream.ts';
import { streamLimits } from '../../proto/gossip/stream-body.ts';
import { decodeTags } from '../../proto/gossip/tags.ts';
import { fromHex, probes, toHex, vectors } from '../proto/gossip/golden.ts';

const inputs = Number(process.env.ROLLCALL_FUZZ ?? 100_000);
const seed = Number(process.env.ROLLCALL_FUZZ_SEED ?? Date.now() % 1_000_000);

const key = fromHex('000102030405060708090a0b0c0d0e0f');
const openings: readonly Opening[] = [
  { label: noLabel, keys: [], acceptPlain: false },
  { label: noLabel, keys: [key], acceptPlain: true },
  { label: labelOf('blue'), keys: [], acceptPlain: false },
];
const limits = { ...streamLimits, bytesMax: 1024 * 1024 };

/** Bytes that mean something at many places: type bytes, MessagePack heads, the ends of ranges. */
const telling = [
  0, 1, 2, 6, 7, 8, 9, 10, 12, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc6, 0xca,
];
const tellingToo = [0xcb, 0xcc, 0xcf, 0xd3, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xf4, 0xff];

test(`${inputs} hostile inputs, seed ${seed}`, { timeout: 90_000 + 10 * inputs }, () => {
  console.log(`ROLLCALL_FUZZ=${inputs} ROLLCALL_FUZZ_SEED=${seed}`);
  const random = randomFrom(seed);
  const packets = corpusOf('udp');
  const streams = corpusOf('tcp');

  const outcomes = new Map<string, number>();
  for (let i = 0; i < inputs; i++) {
    const asPacket = random(3) > 0;
    // Now and then a stream comes as a packet, and the other way round.
    const input = mutated(asPacket === random(20) > 0 ? packets : streams, random);
    try {
      const outcome = asPacket ? throughPacket(input, random) : throughStream(input, random);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    } catch (error) {
      throw new Error(`input ${i} of seed ${seed}: ${toHex(input)}`, { cause: error });
    }
  }
  console.log(Object.fromEntries([...outcomes].sort(([, a], [, b]) => b - a)));
  // A fuzzer that reaches only the doorstep proves nothing.
  for (const outcome of ['understood', 'truncated', 'bad-type', 'bad-compression', 'bad-crc']) {
    expect(outcomes.get(outcome)).toBeGreaterThan(inputs / 10_000);
  }
});

function throughPacket(input: Uint8Array, random: Roll): string {
  const opening = anOpening(random);
  const sealed = opening.keys.length > 0 && input.length > 0 && random(2) === 0 ? sealedWith(input) : input;
  const { messages, refusals } = decodePacket(labelled(sealed, opening, random), opening);
  expect(messages.length + refusals.length).toBeLessThan(1500);
  for (const message of messages) repeatMessage(message);
  return refusals[0] ?? 'understood';
}

function throughStream(bare: Uint8Array, random: Roll): string {
  const opening = anOpening(random);
  const input = labelled(bare, opening, random);
  const decoder = new StreamDecoder(random(2) === 0 ? 'client' : 'server', opening, limits);
  let progress = decoder.push(new Uint8Array(0));
  for (let at = 0; at < input.length && progress.state === 'incomplete'; ) {
    const end = at + 1 + random(random(2) === 0 ? 8 : 4096);
    progress = decoder.push(input.subarray(at, end));
    at = end;
  }
  const refused = decoder.end();
  if (progress.state !== 'complete') return refused ?? 'nothing';
  repeatStreamMessage(progress.message);
  return 'understood';
}

/** Plain mostly, since a seal or a label in the way hides everything behind it. */
function anOpening(random: Roll): Opening {
  return openings[random(8) > 0 ? 0 : random(openings.length)]!;
}

function labelled(input: Uint8Array, opening: Opening, random: Roll): Uint8Array {
  if (opening.label.length === 0 || random(4) === 0) return input;
  return Uint8Array.from([0xf4, opening.label.length, ...opening.label, ...input]);
}

function repeatMessage(message: PacketMessage): void {
  encodeMessage(message);
  if (message.type === 'user') repeatSerf(message.payload, 0);
  if (message.type === 'ackResp') decodePingPayload(message.payload);
  if (message.type === 'alive') decodeTags(message.meta);
}

function repeatStreamMessage(message: StreamMessage): void {
  if (message.type !== 'pushPull') {
    if (message.type !== 'user') encodeStreamMessage(message);
    else repeatSerf(message.payload, 0);
    return;
  }
  const nodes = message.nodes.filter((node) => node.state !== 'unknown');
  encodeStreamMessage({ ...message, nodes });
  for (const node of nodes) decodeTags(node.meta);
  repeatSerf(message.userState, 0);
}

function repeatSerf(encoded: Uint8Array, depth: number): void {
  const { message } = decodeSerf(encoded);
  if (message === undefined) return;
  const again = decodeSerf(encodeSerf(message));
  expect(again.refused).toBeUndefined();
  for (const inner of payloadsOf(message)) if (depth < 3) repeatSerf(inner, depth + 1);
  if (message.type === 'serf.query') for (const filter of message.filters) decodeFilter(filter);
}

function payloadsOf(message: SerfMessage): Uint8Array[] {
  switch (message.type) {
    case 'serf.query':
    case 'serf.queryResponse':
      return message.payload === null ? [] : [message.payload];
    case 'serf.relay':
      return [message.inner];
    default:
      return [];
  }
}

function mutated(corpus: readonly Uint8Array[], random: Roll): Uint8Array {
  if (random(20) === 0) return Uint8Array.from({ length: random(200) }, () => random(256));
  const pick = () => corpus[random(corpus.length)]!;
  let bytes = Uint8Array.from(pick());
  for (let step = random(4); step >= 0; step--) {
    const at = random(bytes.length + 1);
    switch (random(16)) {
      case 0:
        bytes = bytes.slice(0, at);
        break;
      case 1:
        bytes = Uint8Array.from([
          ...bytes.subarray(0, Math.min(at, 2000)),
          ...pick().subarray(random(50), 2000),
        ]);
        break;
      case 2:
        bytes = Uint8Array.from([...bytes.subarray(0, at), random(256), ...bytes.subarray(at, at + 2000)]);
        break;
      case 3:
        if (bytes.length > 0) bytes = new Uint8Array(encodeCompressed(bytes.subarray(0, 2000)));
        break;
      case 4:
        bytes = Uint8Array.from([7, 2, at >> 8, at, 1, 0, ...bytes.subarray(0, 2000)]);
        break;
      case 5:
        bytes = bytes.slice(random(6));
        break;
      default: {
        const all = random(2) === 0 ? telling : tellingToo;
        if (at < bytes.length)
          bytes[at] = random(3) === 0 ? bytes[at]! ^ (1 << random(8)) : all[random(all.length)]!;
      }
    }
  }
  return bytes;
}

/** Mutations behind a wrapper are lost on its checksum; so the insides are part of the corpus as well. */
function corpusOf(transport: 'udp' | 'tcp'): Uint8Array[] {
  const whole = [...vectors, ...probes]
    .filter((vector) => vector.transport === transport)
    .map(({ hex }) => fromHex(hex));
  return [...whole, ...whole.flatMap(insides)];
}

/** What is inside a checksum or compression, if this begins with one. */
function insides(packet: Uint8Array): Uint8Array[] {
  const body = packet[0] === 12 ? packet.subarray(5) : packet;
  const inflated = catchRefusal(() => readCompressed(body, 100_000)).message;
  return [body, inflated].flatMap((inside) => (inside === undefined || inside === packet ? [] : [inside]));
}

function sealedWith(plaintext: Uint8Array): Uint8Array {
  return seal(plaintext, { key, nonce: new Uint8Array(12) }, noLabel);
}

/** A number from 0 to below `n`. */
type Roll = (n: number) => number;

/** Mulberry32: small, quick, and the same everywhere. */
function randomFrom(start: number): Roll {
  let state = start >>> 0;
  return (n) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * n);
  };
}
