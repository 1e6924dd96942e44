/**
 * Ten agents with twenty transitions a second and ten listeners, while servers, agents, disks and networks fail: every
 * transition that an agent wrote to its journal is in the log once and in order, and every listener hears all of it.
 * The thousand seeds: `npm run sim -- --agents 10 --transitions 20 --listeners 10 --seed 1 --seeds 1000`.
 */
import { expect, test } from 'vitest';
import { repeatServerRun, runServerSeed } from './server-run.ts';

test.each([1, 2, 3])('seed %i: nothing lost, nothing doubled, nothing out of order', async (seed) => {
  const options = { seed, nodes: 5, minutes: 0.25, agents: 10, transitionsPerSecond: 20, listeners: 10 };
  const { findings, counts } = await runServerSeed(options);
  expect(findings, `repeat with: ${repeatServerRun(options)}`).toEqual([]);
  expect(counts.transitions).toBeGreaterThan(100);
});
