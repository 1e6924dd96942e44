import { expect, test } from 'vitest';
import { answersStreamPing, canNack, checksCrc } from '../../../agent/gossip/outbox.ts';
import type { MemberRecord } from '../../../agent/gossip/records.ts';
import { decodePacket } from '../../../proto/gossip/envelope.ts';
import { messageType } from '../../../proto/gossip/packets.ts';
import { stage, suspectOf } from './stage.ts';

const nack = { type: 'nackResp' as const, seqNo: 7 };

test('news rides on whatever leaves, except on answers that others pass on', () => {
  const { parts, meet, take } = stage();
  const peer = meet('peer');
  parts.outbox.broadcasts.news.queue(Uint8Array.of(messageType.nackResp, 0x80), 'x');
  parts.outbox.post(peer.endpoint, nack);
  expect(take('peer')).toEqual([nack, { type: 'nackResp', seqNo: 0 }]);
  parts.outbox.postBare(peer.endpoint, nack);
  parts.outbox.postTo(peer, nack, suspectOf('peer', 'me'));
  expect(take('peer')).toEqual([nack, nack, suspectOf('peer', 'me')]);
  expect(parts.outbox.gossip(peer)).toBe(true);
  expect(take('peer')).toHaveLength(1);
});

test('without news there is no packet', () => {
  const { parts, meet, sent } = stage();
  expect(parts.outbox.gossip(meet('peer'))).toBe(false);
  expect(sent).toEqual([]);
});

test('a packet stays within the budget, with a label and a seal as well', () => {
  const key = new Uint8Array(32).fill(3);
  const { parts, meet } = stage({ keys: [key], label: 'blue' });
  const peer = meet('peer');
  for (let i = 0; i < 100; i++) {
    const message = new Uint8Array(20 + i).fill(0x80);
    message[0] = messageType.nackResp;
    parts.outbox.broadcasts.events.queue(message);
  }
  parts.outbox.gossip(peer);
  const bytes = parts.counters.get('packet_bytes_sent');
  // Five bytes of checksum are not part of memberlist's budget.
  expect(bytes).toBeLessThanOrEqual(1_405);
  expect(bytes).toBeGreaterThan(1_300);
});

test('newer news of a member takes the place of the older', () => {
  const { parts, meet, take } = stage();
  const peer = meet('peer');
  for (const accuser of ['one', 'two']) parts.outbox.tell(suspectOf('web', accuser));
  parts.outbox.gossip(peer);
  expect(take('peer')).toEqual([suspectOf('web', 'two')]);
});

test('a packet that somebody else sends is sealed and counted as any other', () => {
  const { parts } = stage({ keys: [new Uint8Array(16)] });
  const packet = parts.outbox.packetOf(nack);
  expect(decodePacket(packet, parts.opening()).messages).toEqual([nack]);
  expect(parts.counters.get('packet_bytes_sent')).toBe(packet.length);
});

test('a seal never uses a nonce twice', () => {
  const { parts } = stage({ keys: [new Uint8Array(16)] });
  const nonces = Array.from({ length: 100 }, () =>
    Buffer.from(parts.outbox.nextSeal()!.nonce).toString('hex'),
  );
  expect(new Set(nonces).size).toBe(100);
  expect(stage().parts.outbox.nextSeal()).toBeNull();
});

test.each([
  [2, false, false, false],
  [3, true, false, false],
  [4, true, true, false],
  [5, true, true, true],
])('memberlist protocol %i: TCP ping %s, nack %s, checksum %s', (max, ping, nacks, crc) => {
  const member = { vsn: Uint8Array.of(1, max, 2, 2, 5, 4) } as MemberRecord;
  expect([answersStreamPing(member), canNack(member), checksCrc(member)]).toEqual([ping, nacks, crc]);
});
