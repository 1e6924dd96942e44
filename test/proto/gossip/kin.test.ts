import { expect, test } from 'vitest';
import { decodeKin, encodeKin, type KinMessage, kinMark } from '../../../proto/gossip/kin.ts';
import { decodeSerf } from '../../../proto/gossip/serf.ts';

const messages: KinMessage[] = [
  { type: 'kin.refused', seqNo: 7, from: 'web-1' },
  { type: 'kin.seen', from: 'web-1', addr: Uint8Array.of(10, 0, 0, 1), port: 8301 },
  { type: 'kin.digest', digest: Uint8Array.of(1, 2), ltime: 3, eventLtime: 4, queryLtime: 5 },
  { type: 'kin.buckets', same: false, buckets: Uint8Array.of(9), ltime: 3, eventLtime: 4, queryLtime: 5 },
  { type: 'kin.part', buckets: Uint8Array.of(255), events: true, table: Uint8Array.of(6) },
];

test.each(messages)('$type survives the way there and back', (message) => {
  expect(decodeKin(encodeKin(message)).message).toEqual(message);
});

test('what is no message of ours, of a kind we do not know, or cut short, is refused', () => {
  const encoded = encodeKin(messages[2]!);
  expect(decodeKin(new Uint8Array(0)).refused).toBe('unknown-type');
  expect(decodeKin(Uint8Array.of(3, 1)).refused).toBe('unknown-type');
  expect(decodeKin(Uint8Array.of(kinMark, 99)).refused).toBe('unknown-type');
  expect(decodeKin(encoded.subarray(0, encoded.length - 1)).refused).toBe('truncated');
});

test('Serf, should it ever get one, does not take it for one of its own', () => {
  expect(decodeSerf(encodeKin(messages[0]!)).refused).toBe('unknown-type');
});
