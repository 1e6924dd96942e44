import { describe, expect, test } from 'vitest';
import type { Alive, PacketMessage, Ping } from '../../../proto/gossip/messages.ts';
import { decodeMessage, encodeMessage, encodeStreamMessage } from '../../../proto/gossip/packets.ts';
import { fromHex, toHex } from './golden.ts';

const nothing = new Uint8Array(0);

const alive: Alive = {
  type: 'alive',
  incarnation: 1,
  node: 'web-3',
  addr: Uint8Array.of(10, 0, 0, 3),
  port: 8301,
  meta: nothing,
  vsn: Uint8Array.of(1, 5, 2, 2, 5, 4),
};

describe('a message from an older or newer peer', () => {
  test('a ping without a source is one whose ack goes to where it came from', () => {
    expect(decodeMessage(fromHex('0081a55365714e6f07')).message).toEqual({
      type: 'ping',
      seqNo: 7,
      node: '',
      sourceAddr: nothing,
      sourcePort: 0,
      sourceNode: '',
    } satisfies Ping);
  });

  test('an alive without a version vector is told from one with a damaged vector', () => {
    const without = decodeMessage(encodeMessage({ ...alive, vsn: nothing }));
    expect(without.message).toMatchObject({ type: 'alive', vsn: nothing });
    const damaged = toHex(encodeMessage(alive)).replace('a6010502020504', 'a3010502');
    expect(decodeMessage(fromHex(damaged))).toEqual({ refused: 'bad-vsn' });
  });

  test('the highest incarnation is a number like any other, one more is refused', () => {
    const last = encodeMessage({ ...alive, incarnation: 0xffff_ffff });
    expect(decodeMessage(last).message).toMatchObject({ incarnation: 0xffff_ffff });
    const beyond = toHex(last).replace('ceffffffff', 'cf0000000100000000');
    expect(decodeMessage(fromHex(beyond))).toEqual({ refused: 'out-of-range' });
  });

  test('a body that is nil is a message with nothing in it', () => {
    expect(decodeMessage(fromHex('0bc0'))).toEqual({ message: { type: 'nackResp', seqNo: 0 } });
  });
});

test('bytes without meaning are refused by name', () => {
  expect(decodeMessage(nothing)).toEqual({ refused: 'empty' });
  expect(decodeMessage(fromHex('08'))).toEqual({ refused: 'empty' });
  expect(decodeMessage(fromHex('06c0'))).toEqual({ refused: 'unknown-type' });
  // An error answer has no business in a packet.
  expect(decodeMessage(fromHex('0d81a54572726f72a178'))).toEqual({ refused: 'unknown-type' });
  expect(decodeMessage(fromHex('ff'))).toEqual({ refused: 'unknown-type' });
  expect(decodeMessage(fromHex('0081a5'))).toEqual({ refused: 'truncated' });
});

test('what stock agents die of cannot leave this process', () => {
  const deadly: PacketMessage[] = [
    { ...alive, vsn: Uint8Array.of(1, 5, 2) },
    { type: 'user', payload: nothing },
  ];
  for (const message of deadly) expect(() => encodeMessage(message)).toThrow('invariant');
});

test('a user message has no header in a packet and one in a stream', () => {
  const message = { type: 'user', payload: Uint8Array.of(1, 2) } as const;
  expect(toHex(encodeMessage(message))).toBe('080102');
  expect(toHex(encodeStreamMessage(message))).toBe('0881aa557365724d73674c656e020102');
});

test('a state that we do not know is read, and never sent', () => {
  const node = { ...alive, name: 'web-3', state: 'left' as const };
  const stream = encodeStreamMessage({ type: 'pushPull', join: true, nodes: [node], userState: nothing });
  expect(toHex(stream)).toContain('a5537461746503');
  const unknown = { ...node, state: 'unknown' as const };
  expect(() =>
    encodeStreamMessage({ type: 'pushPull', join: true, nodes: [unknown], userState: nothing }),
  ).toThrow('invariant');
});
