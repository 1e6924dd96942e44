/** Fifty lives of fifty members, each drawn from its seed, and what a checker says about them. */
import { expect, test } from 'vitest';
import { repeatCommand, runGossipSeed } from './gossip-run.ts';

const seeds = Array.from({ length: 50 }, (_, index) => index + 1);

test.each(seeds)('seed %i: after all faults every member is seen as it is', (seed) => {
  const options = { seed, nodes: 50, minutes: 1.75 };
  const { failures } = runGossipSeed(options);
  expect(failures, `repeat with: ${repeatCommand(options)}`).toEqual([]);
});

test('the same seed tells the same story, another one another', () => {
  const options = { seed: 'twins', nodes: 12, minutes: 1.5 };
  const first = runGossipSeed(options);
  expect(runGossipSeed(options)).toEqual(first);
  expect(runGossipSeed({ ...options, seed: 'stranger' }).traceHash).not.toBe(first.traceHash);
});
