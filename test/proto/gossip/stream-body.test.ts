import { expect, test } from 'vitest';
import type { PushNodeState } from '../../../proto/gossip/messages.ts';
import { encodeStreamMessage } from '../../../proto/gossip/packets.ts';
import { Refusal } from '../../../proto/gossip/refusal.ts';
import { BodyReader, streamLimits } from '../../../proto/gossip/stream-body.ts';
import { fromHex } from './golden.ts';

const node = (name: string): PushNodeState => ({
  name,
  addr: Uint8Array.of(10, 0, 0, 1),
  port: 8301,
  meta: Uint8Array.of(0xff, 0x80),
  incarnation: 1,
  state: 'alive',
  vsn: Uint8Array.of(1, 5, 2, 2, 5, 4),
});

const pushPull = {
  type: 'pushPull',
  join: true,
  nodes: [node('web-1'), node('web-2')],
  userState: Uint8Array.of(2, 0x80),
} as const;

test('members are read as they come, and the state ends it', () => {
  const bytes = encodeStreamMessage(pushPull);
  const reader = new BodyReader(streamLimits);
  for (let end = 0; end < bytes.length; end++) expect(reader.read(bytes.subarray(0, end))).toBeUndefined();
  expect(reader.read(bytes)).toEqual(pushPull);
});

test('a push/pull without members and state is complete with its header', () => {
  const empty = { ...pushPull, nodes: [], userState: new Uint8Array(0) };
  expect(new BodyReader(streamLimits).read(encodeStreamMessage(empty))).toEqual(empty);
});

function refusalOf(bytes: Uint8Array, limits = streamLimits): string {
  try {
    new BodyReader(limits).read(bytes);
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
  return 'none';
}

test('an announcement beyond the limits is refused before anything of it has come', () => {
  const header = (nodes: string, length: string) =>
    fromHex(`0683a44a6f696ec3a54e6f646573${nodes}ac5573657253746174654c656e${length}`);
  expect(refusalOf(header('ce00989680', '00'))).toBe('too-many');
  expect(refusalOf(header('cfffffffffffffffff', '00'))).toBe('out-of-range');
  expect(refusalOf(header('ff', '00'))).toBe('out-of-range');
  expect(refusalOf(header('00', 'ce7fffffff'))).toBe('too-large');
  expect(refusalOf(header('00', 'ff'))).toBe('out-of-range');
  expect(refusalOf(fromHex('0881aa557365724d73674c656ece7fffffff'))).toBe('too-large');
});

test('limits are those that were given', () => {
  const bytes = encodeStreamMessage(pushPull);
  expect(refusalOf(bytes, { ...streamLimits, nodesMax: 1 })).toBe('too-many');
  expect(refusalOf(bytes, { ...streamLimits, userBytesMax: 1 })).toBe('too-large');
});

test('a member larger than any honest one is refused as soon as its size shows', () => {
  const header = encodeStreamMessage({ ...pushPull, nodes: [], userState: new Uint8Array(0) });
  const oneNode = Buffer.from(header);
  oneNode[oneNode.indexOf('Nodes') + 5] = 1;
  expect(refusalOf(new Uint8Array(Buffer.concat([oneNode, fromHex('81a44d657461db00100000')])))).toBe(
    'too-large',
  );
});

test('types that have no business in a stream', () => {
  for (const type of [1, 3, 4, 5, 7, 9, 10, 11, 12, 244, 99]) {
    expect(refusalOf(Uint8Array.of(type, 0x80))).toBe('unknown-type');
  }
  expect(refusalOf(fromHex('0881aa557365724d73674c656e00'))).toBe('empty');
});
