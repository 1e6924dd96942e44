import { expect, test } from 'vitest';
import { grown, roomyLength } from '../../../agent/gossip/tables.ts';

test('a table has room for its last number, and little to spare', () => {
  expect([0, 15, 16, 1_600].map(roomyLength)).toEqual([16, 16, 18, 1_701]);
});

test('a grown table holds what the smaller one held', () => {
  expect(grown(Uint32Array.of(1, 2), new Uint32Array(4))).toEqual(Uint32Array.of(1, 2, 0, 0));
});
