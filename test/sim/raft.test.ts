/**
 * Lives of five servers with their agents, clients and listeners, each drawn from its seed: everything that can happen to
 * them first (in a full minute at least 300 operations and 10 faults of 3 classes), then peace. `npm run sim` lives more of them.
 */
import { expect, test } from 'vitest';
import { testEverySecondSeed } from './seeds.ts';
import { runServerSeed } from './server-run.ts';

testEverySecondSeed(1);

test('the same seed tells the same story, another one another', async () => {
  const options = { seed: 'twins', nodes: 3, minutes: 0.2 };
  const first = await runServerSeed(options);
  expect(await runServerSeed(options)).toEqual(first);
  expect((await runServerSeed({ ...options, seed: 'stranger' })).traceHash).not.toBe(first.traceHash);
});
