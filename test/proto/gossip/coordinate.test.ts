import { expect, test } from 'vitest';
import { type Coordinate, decodePingPayload, encodePingPayload } from '../../../proto/gossip/coordinate.ts';
import { fromHex, toHex } from './golden.ts';

const start: Coordinate = { vec: [0, 0, 0, 0, 0, 0, 0, 0], height: 1e-5, adjustment: 0, error: 1.5 };

test('a coordinate takes 130 bytes and comes back exactly', () => {
  const moved: Coordinate = { ...start, vec: [0.1, -0.2, 1e-9, 0, 5, -1e-300, 0.3, 2], adjustment: -0.001 };
  expect(encodePingPayload(moved).length).toBe(130);
  expect(decodePingPayload(encodePingPayload(moved))).toEqual(moved);
});

test('an ack without a usable coordinate is one without', () => {
  const payload = toHex(encodePingPayload(start));
  const unusable = [
    '',
    `02${payload.slice(2)}`,
    payload.slice(0, -2),
    // NaN as height
    payload.replace('cb3ee4f8b588e368f1', 'cb7ff8000000000000'),
    // seven dimensions
    payload.replace('98cb0000000000000000', '97'),
  ];
  expect(decodePingPayload(null)).toBeUndefined();
  for (const hex of unusable) expect(decodePingPayload(fromHex(hex))).toBeUndefined();
});

test('a coordinate that is no number never leaves', () => {
  expect(() => encodePingPayload({ ...start, height: Number.NaN })).toThrow('invariant');
  expect(() => encodePingPayload({ ...start, vec: [0] })).toThrow('invariant');
});
