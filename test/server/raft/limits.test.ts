import { expect, test } from 'vitest';
import { completeLimits } from '../../../server/raft/limits.ts';

test('the defaults are those of the reference (raft.md 12)', () => {
  expect(completeLimits()).toEqual({
    electionTicks: 10,
    heartbeatTicks: 1,
    leaseTicks: 5,
    appendBytesMax: 1024 * 1024,
    inflightMax: 256,
    inflightBytesMax: 8 * 1024 * 1024,
    uncommittedBytesMax: 64 * 1024 * 1024,
    applyBytesMax: 4 * 1024 * 1024,
    readsMax: 100_000,
    snapshotTicks: 600,
  });
});

test('the lease follows the election timeout and is never more than half of it', () => {
  expect(completeLimits({ electionTicks: 7 }).leaseTicks).toBe(3);
  expect(() => completeLimits({ electionTicks: 10, leaseTicks: 6 })).toThrow('at most half');
});

test.each([
  [{ electionTicks: 1 }, 'electionTicks is larger'],
  [{ heartbeatTicks: 0 }, 'heartbeatTicks is at least 1'],
  [{ inflightMax: 0 }, 'inflightMax is at least 1'],
  [{ appendBytesMax: 0.5 }, 'whole number'],
])('%j makes no sense', (limits, reason) => {
  expect(() => completeLimits(limits)).toThrow(reason);
});
