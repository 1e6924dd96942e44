import { expect, test } from 'vitest';
import { repeatCommand, runGossipSeed } from './gossip-run.ts';

test('a run tells its story, a verdict and how to repeat it', () => {
  const options = { seed: 'story', nodes: 8, minutes: 2 };
  const verdict = runGossipSeed(options);
  expect(verdict).toMatchObject({ ok: true, failures: [] });
  expect(verdict.story.at(0)).toMatch(/^\d+\.\d{3} s {2}/);
  expect(verdict.story.some((line) => line.endsWith('peace'))).toBe(true);
  expect(verdict.packets).toBeGreaterThan(1_000);
  expect(repeatCommand(options)).toBe('npm run sim -- --gossip --seed story --nodes 8 --minutes 2');
});

test('the checker finds a cluster that does not find the truth', () => {
  // Without suspicions being refuted in time, without exchanges and without a second look, errors stay.
  const verdicts = ['a', 'b', 'c', 'd', 'e'].map((seed) =>
    runGossipSeed({
      seed,
      nodes: 8,
      minutes: 2,
      config: { pushPullIntervalMs: 0, reconnectIntervalMs: 3_600_000 },
    }),
  );
  expect(verdicts.some(({ ok }) => !ok)).toBe(true);
});
