import { expect, test } from 'vitest';
import { gossipProfiles } from '../../../agent/gossip/config.ts';

// Gossip-wire 14: what stock members run with, and therefore expect of us.
test('the profiles are those of memberlist', () => {
  const { lan, wan, local } = gossipProfiles;
  const rows = [lan, wan, local].map((profile) => [
    profile.streamTimeoutMs,
    profile.indirectChecks,
    profile.retransmitMultiplier,
    profile.suspicionMultiplier,
    profile.suspicionMaxTimeoutMultiplier,
    profile.pushPullIntervalMs,
    profile.probeTimeoutMs,
    profile.probeIntervalMs,
    profile.awarenessMaxMultiplier,
    profile.gossipNodes,
    profile.gossipIntervalMs,
    profile.gossipToTheDeadMs,
  ]);
  expect(rows).toEqual([
    [10_000, 3, 4, 4, 6, 30_000, 500, 1_000, 8, 3, 200, 30_000],
    [30_000, 3, 4, 6, 6, 60_000, 3_000, 5_000, 8, 4, 500, 60_000],
    [1_000, 1, 2, 3, 6, 15_000, 200, 1_000, 8, 3, 100, 15_000],
  ]);
});

test('a refusal is looked for before others are asked, and a restart gets more than a second', () => {
  for (const profile of Object.values(gossipProfiles)) {
    expect(profile.refusalCheckMs).toBeLessThan(profile.probeTimeoutMs);
    expect(profile.refusalGraceMs).toBeGreaterThan(1_000);
  }
});
