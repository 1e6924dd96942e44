/** Lives of five servers for the suite: how many there are, and what each has to fulfil. */
import { expect, test } from 'vitest';
import { repeatServerRun, runServerSeed } from './server-run.ts';

/** Twelve virtual seconds of trouble each: several elections, and snapshots every few entries. */
const short = { count: 200, minutes: 0.2 };
/** A virtual minute of trouble each; `ROLLCALL_SIM_SEEDS` says how many, and CI lives 500. */
const full = { count: Number(process.env.ROLLCALL_SIM_SEEDS ?? 10), minutes: 1 };

/** Every other seed, so that two files share them, and two processors the files. */
export function testEverySecondSeed(from: 1 | 2): void {
  for (const { count, minutes } of [short, full]) {
    const all = Array.from({ length: count }, (_, index) => index + 1);
    const seeds = all.filter((seed) => seed % 2 === from % 2);
    test.each(seeds)(
      `seed %i, ${minutes} min: nothing is lost, doubled or told twice, and peace comes`,
      async (seed) => {
        const options = { seed, nodes: 5, minutes };
        const { findings } = await runServerSeed(options);
        expect(findings, `repeat with: ${repeatServerRun(options)}`).toEqual([]);
      },
    );
  }
}
