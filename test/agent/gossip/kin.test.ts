import { expect, test } from 'vitest';
import { Kin } from '../../../agent/gossip/kin.ts';
import { encodeKin } from '../../../proto/gossip/kin.ts';
import { stage } from './stage.ts';

test('our own kind is known by its tag', () => {
  const { meet, parts } = stage();
  meet('ours', { tags: { rc_gossip: '1' } });
  meet('stranger', { tags: { role: 'node' } });
  const kin = new Kin(parts);
  expect(['ours', 'stranger', 'nobody'].map((name) => kin.isKin(name))).toEqual([true, false, false]);
});

test('one of our own kind is told, now and then, that its packets come from elsewhere than it says', () => {
  const { clock, meet, parts, take } = stage();
  const ours = meet('ours', { tags: { rc_gossip: '1' } });
  meet('stranger', { tags: {} });
  const kin = new Kin(parts);
  const elsewhere = { host: '203.0.113.5', port: 40_001 };
  kin.noticeSource('ours', ours.endpoint);
  kin.noticeSource('nobody', elsewhere);
  kin.noticeSource('stranger', elsewhere);
  expect([take('ours'), take('stranger')]).toEqual([[], []]);
  for (let i = 0; i < 5; i++) kin.noticeSource('ours', elsewhere);
  const [message, ...rest] = take('ours');
  expect(rest).toEqual([]);
  const told = message?.type === 'user' ? kin.read(message.payload) : null;
  expect(told).toEqual({ type: 'kin.seen', from: 'me', addr: Uint8Array.of(203, 0, 113, 5), port: 40_001 });
  clock.runFor(600_000);
  kin.noticeSource('ours', elsewhere);
  expect(take('ours')).toHaveLength(1);
});

test('payloads of our kind are read, broken ones counted, others left to Serf', () => {
  const { parts } = stage();
  const kin = new Kin(parts);
  const refused = { type: 'kin.refused' as const, seqNo: 1, from: 'x' };
  expect(kin.read(encodeKin(refused))).toEqual(refused);
  expect(kin.read(encodeKin(refused).subarray(0, 4))).toBeNull();
  expect(kin.read(Uint8Array.of(3, 0x80))).toBeUndefined();
  expect(parts.counters.get('kin_refused')).toBe(1);
});
