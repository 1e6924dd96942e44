import { expect, test } from 'vitest';
import { grown } from '../../../agent/gossip/tables.ts';

test('a grown table holds what the smaller one held', () => {
  expect(grown(Uint32Array.of(1, 2), new Uint32Array(4))).toEqual(Uint32Array.of(1, 2, 0, 0));
});
