import { expect, test } from 'vitest';
import {
  confirmationsWanted,
  pushPullIntervalMs,
  queryTimeoutMs,
  reconnectChance,
  stretchedMs,
  suspicionMinMs,
  suspicionTimeoutMs,
  transmitLimit,
} from '../../../agent/gossip/scale.ts';

test.each([
  [1, 4],
  [9, 4],
  [10, 8],
  [99, 8],
  [100, 12],
  [5_000, 16],
])('among %i members each piece of news is sent %i times', (members, times) => {
  expect(transmitLimit(4, members)).toBe(times);
});

test.each([
  [2, 0],
  [3, 0],
  [4, 2],
  [1_000, 2],
])('among %i members %i others may shorten a suspicion', (members, others) => {
  expect(confirmationsWanted(4, members)).toBe(others);
});

// Gossip-wire 11.5, the example with ten members.
test('a suspicion among ten lasts 24 s alone, 11.38 s with one confirmation, 4 s with two', () => {
  const minMs = suspicionMinMs(4, 10, 1_000);
  expect(minMs).toBe(4_000);
  expect([0, 1, 2].map((count) => suspicionTimeoutMs(minMs, 6 * minMs, count, 2))).toEqual([
    24_000, 11_381, 4_000,
  ]);
  expect(suspicionTimeoutMs(minMs, 6 * minMs, 0, 0)).toBe(4_000);
});

test('suspicions grow with the logarithm, cut to three decimals', () => {
  expect(suspicionMinMs(4, 1, 1_000)).toBe(4_000);
  expect(suspicionMinMs(4, 50, 1_000)).toBe(6_792);
  expect(suspicionMinMs(6, 1_000, 5_000)).toBe(90_000);
});

test.each([
  [32, 30_000],
  [33, 60_000],
  [64, 60_000],
  [65, 90_000],
  [128, 90_000],
  [5_000, 270_000],
])('among %i members a full exchange comes every %i ms', (members, intervalMs) => {
  expect(pushPullIntervalMs(30_000, members)).toBe(intervalMs);
});

test('a query waits 3.2 s in a small cluster', () => {
  expect(queryTimeoutMs(200, 16, 9)).toBe(3_200);
  expect(queryTimeoutMs(200, 16, 10)).toBe(6_400);
});

test('a sick prober waits up to eight times as long', () => {
  expect([0, 3, 7].map((score) => stretchedMs(1_000, score))).toEqual([1_000, 4_000, 8_000]);
});

test('few failed among many are tried rarely, many always', () => {
  expect(reconnectChance(1, 100)).toBe(0.01);
  expect(reconnectChance(5, 0)).toBe(1);
  expect(reconnectChance(80, 20)).toBe(1);
});
