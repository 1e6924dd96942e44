/**
 * Two hundred lives of five servers with their agents, clients and listeners, each drawn from its seed: everything that can
 * happen to them first, then peace. `npm run sim` lives more of them, and longer ones.
 */
import { expect, test } from 'vitest';
import { repeatServerRun, runServerSeed } from './server-run.ts';

const seeds = Array.from({ length: 200 }, (_, index) => index + 1);
/** Twelve virtual seconds of trouble: several elections, and snapshots every few entries. */
const minutes = 0.2;

test.each(seeds)('seed %i: nothing is lost, doubled or told twice, and peace comes', async (seed) => {
  const options = { seed, nodes: 5, minutes };
  const { findings } = await runServerSeed(options);
  expect(findings, `repeat with: ${repeatServerRun(options)}`).toEqual([]);
});

test('the same seed tells the same story, another one another', async () => {
  const options = { seed: 'twins', nodes: 3, minutes };
  const first = await runServerSeed(options);
  expect(await runServerSeed(options)).toEqual(first);
  expect((await runServerSeed({ ...options, seed: 'stranger' })).traceHash).not.toBe(first.traceHash);
});
