/** Every packet that was captured from stock agents means to us what it meant to them, and we write it the same. */
import { expect, test } from 'vitest';
import { decodePingPayload } from '../../../proto/gossip/coordinate.ts';
import type { Seal } from '../../../proto/gossip/encryption.ts';
import { decodePacket, encodePacket, type Opening } from '../../../proto/gossip/envelope.ts';
import { noLabel } from '../../../proto/gossip/label.ts';
import type { PacketMessage, StreamMessage } from '../../../proto/gossip/messages.ts';
import { encodeMessage } from '../../../proto/gossip/packets.ts';
import { decodeSerf, encodeSerf } from '../../../proto/gossip/serf.ts';
import { decodeFilter, encodeFilter } from '../../../proto/gossip/serf-filter.ts';
import { encodeStream, StreamDecoder } from '../../../proto/gossip/stream.ts';
import { decodeTags, encodeTags } from '../../../proto/gossip/tags.ts';
import { bytes, fromHex, meaningOf, serfOf, toHex, type Vector, vectors } from './golden.ts';

const udp = vectors.filter((vector) => vector.transport === 'udp');
const tcp = vectors.filter((vector) => vector.transport === 'tcp');

test('there are 85 of them', () => {
  expect(vectors.length).toBe(85);
});

test.each(udp)('UDP packet $id', (vector) => {
  const meanings = vector.decoded.messages.map(meaningOf);
  const decoded = decodePacket(fromHex(vector.hex), openingOf(vector));

  expect(decoded.refusals).toEqual([]);
  expect(decoded.messages).toEqual(meanings.map((meaning) => meaning.message));
  expect(decoded.keyIndex).toBe(vector.key_hex === undefined ? null : 0);
  for (const [i, { serf }] of meanings.entries()) {
    const message = decoded.messages[i]!;
    if (message.type === 'user') expect(decodeSerf(message.payload)).toEqual({ message: serf });
  }

  const parts = meanings.map((meaning) => encodeMessage(meaning.message as PacketMessage));
  const packet = encodePacket(parts, {
    label: noLabel,
    crc: layer(vector, 'crc') !== undefined,
    seal: sealOf(vector, 'encrypt'),
    ...compressionOf(vector),
  });
  expect(toHex(packet)).toBe(vector.hex);
});

test.each(tcp)('TCP exchange $id', (vector) => {
  const { message, serf } = meaningOf(vector.decoded.messages[0]);
  const sender = vector.direction === 'client-to-server' ? 'client' : 'server';
  const progress = new StreamDecoder(sender, openingOf(vector)).push(fromHex(vector.hex));

  expect(progress).toEqual({
    state: 'complete',
    message,
    keyIndex: vector.key_hex === undefined ? null : 0,
  });
  if (message.type === 'pushPull') expect(decodeSerf(message.userState)).toEqual({ message: serf });

  const stream = encodeStream(message as StreamMessage, {
    sender,
    label: noLabel,
    seal: sealOf(vector, 'encrypt-stream'),
    ...compressionOf(vector),
  });
  expect(toHex(stream)).toBe(vector.hex);
});

test('what is nested in payloads, filters, tags and acks is understood as well, and written the same', () => {
  const seen = { messages: 0, filters: 0, tags: 0, roles: 0, coordinates: 0 };
  for (const field of everyFieldIn(vectors.map((vector) => vector.decoded))) {
    const encoded = bytes(field);
    if (field.message !== undefined) {
      const expected = serfOf(field.message);
      expect(decodeSerf(encoded)).toEqual({ message: expected });
      expect(toHex(encodeSerf(expected))).toBe(field.hex);
      seen.messages += 1;
    }
    if (field.nodes !== undefined || field.Tag !== undefined) {
      const filter = decodeFilter(encoded)!;
      expect(filter).toEqual(
        field.type === 0
          ? { kind: 'nodes', nodes: field.nodes }
          : { kind: 'tag', tag: field.Tag, expression: field.Expr },
      );
      expect(toHex(encodeFilter(filter))).toBe(field.hex);
      seen.filters += 1;
    }
    if (field.tags !== undefined) {
      const tags = new Map<string, string>(Object.entries(field.tags));
      expect(decodeTags(encoded)).toEqual(tags);
      expect(toHex(encodeTags(tags))).toBe(field.hex);
      seen.tags += 1;
    }
    if (field.role !== undefined) {
      expect(decodeTags(encoded)).toEqual(new Map([['role', field.role]]));
      seen.roles += 1;
    }
    if (field.coordinate !== undefined) {
      expect(decodePingPayload(encoded)).toEqual({
        adjustment: field.coordinate.Adjustment,
        error: field.coordinate.Error,
        height: field.coordinate.Height,
        vec: field.coordinate.Vec,
      });
      seen.coordinates += 1;
    }
  }
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
});

test('a stream that comes byte by byte means the same, and is complete with its last byte only', () => {
  for (const vector of tcp.filter(({ hex }) => hex.length < 4000)) {
    const sender = vector.direction === 'client-to-server' ? 'client' : 'server';
    const decoder = new StreamDecoder(sender, openingOf(vector));
    const stream = fromHex(vector.hex);
    for (const [i, byte] of stream.entries()) {
      const { state } = decoder.push(Uint8Array.of(byte));
      expect(state).toBe(i === stream.length - 1 ? 'complete' : 'incomplete');
    }
    const { message } = meaningOf(vector.decoded.messages[0]);
    expect(decoder.push(new Uint8Array(0))).toMatchObject({ state: 'complete', message });
  }
});

function openingOf(vector: Vector): Opening {
  const keys = vector.key_hex === undefined ? [] : [fromHex(vector.key_hex)];
  return { label: noLabel, keys, acceptPlain: false };
}

function layer(vector: Vector, kind: string) {
  return vector.decoded.layers.find((candidate) => candidate.kind === kind);
}

function sealOf(vector: Vector, kind: string): Seal | null {
  const { nonce, version } = layer(vector, kind) ?? {};
  return nonce === undefined ? null : { key: fromHex(vector.key_hex!), nonce: fromHex(nonce), version };
}

function compressionOf(vector: Vector) {
  const found = layer(vector, 'compress');
  return { compress: found !== undefined, lzwInitialClear: found?.lzw_initial_clear ?? true };
}

// biome-ignore lint/suspicious/noExplicitAny: the recorded meaning is JSON of many shapes
function* everyFieldIn(json: any): Generator<any> {
  if (json === null || typeof json !== 'object') return;
  if (typeof json.hex === 'string') yield json;
  for (const value of Object.values(json)) yield* everyFieldIn(value);
}
