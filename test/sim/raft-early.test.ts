/** Lives in which a leader puts each command into the log at once, so that many small writes are under way together. */
import { expect, test } from 'vitest';
import { repeatServerRun, runServerSeed } from './server-run.ts';

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])(
  'seed %i: nothing is lost, doubled or told twice',
  async (seed) => {
    const options = { seed, nodes: 5, minutes: 0.2, earlyBatch: 1 };
    const { findings } = await runServerSeed(options);
    expect(findings, `repeat with: ${repeatServerRun(options)}`).toEqual([]);
  },
);
