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

test('payloads of our kind are read, broken ones counted, others left to Serf', () => {
  const { parts } = stage();
  const kin = new Kin(parts);
  const refused = { type: 'kin.refused' as const, seqNo: 1, from: 'x' };
  expect(kin.read(encodeKin(refused))).toEqual(refused);
  expect(kin.read(encodeKin(refused).subarray(0, 4))).toBeNull();
  expect(kin.read(Uint8Array.of(3, 0x80))).toBeUndefined();
  expect(parts.counters.get('kin_refused')).toBe(1);
});
