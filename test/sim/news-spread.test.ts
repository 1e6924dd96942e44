import { expect, test } from 'vitest';
import { spreadNews } from './news-spread.ts';

const options = { members: 300, lossShare: 0.25, deadShare: 0.1, withinMs: 4_000 };

test('an event reaches everybody within four seconds, though a quarter of all packets is lost and a tenth is dead', () => {
  const spread = spreadNews({ ...options, seed: 'spread', firedAfterMs: 0 });
  expect(spread).toMatchObject({ living: 270, told: 270 });
  expect(spread.lastMs).toBeLessThanOrEqual(4_000);
  expect(spread.halfMs).toBeLessThan(spread.lastMs);
});

test('it does so in the middle of the news about all that died', () => {
  const spread = spreadNews({ ...options, seed: 'storm', firedAfterMs: 3_000 });
  expect(spread).toMatchObject({ living: 270, told: 270 });
});

test('who does not know in time does not count', () => {
  const spread = spreadNews({ ...options, seed: 'hasty', firedAfterMs: 0, withinMs: 100 });
  expect(spread.told).toBeGreaterThan(1);
  expect(spread.told).toBeLessThan(spread.living);
});
