/** Lives of five servers for the suite: how many there are, and what each has to fulfil. */
import { expect, test } from 'vitest';
import { repeatServerRun, runServerSeed } from './server-run.ts';

/** `ROLLCALL_SIM_SEEDS`: how many seeds `npm test` lives, a virtual minute of trouble each. */
const count = Number(process.env.ROLLCALL_SIM_SEEDS ?? 40);
const minutes = 1;

/** Every other seed, so that two files share them, and two processors the files. */
export function testEverySecondSeed(from: 1 | 2): void {
  const seeds = Array.from({ length: count }, (_, index) => index + 1).filter(
    (seed) => seed % 2 === from % 2,
  );
  test.each(seeds)('seed %i: nothing is lost, doubled or told twice, and peace comes', async (seed) => {
    const options = { seed, nodes: 5, minutes };
    const { findings } = await runServerSeed(options);
    expect(findings, `repeat with: ${repeatServerRun(options)}`).toEqual([]);
  });
}
