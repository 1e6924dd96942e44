/** Random schedules, a few hundred short ones; the large simulator runs longer ones of the whole server. */
import { expect, test } from 'vitest';
import { Schedule } from './schedule.ts';

const seeds = 300;
const batch = 50;

test.each(Array.from({ length: seeds / batch }, (_, at) => at * batch + 1))(
  'from seed %i on: never two leaders in a term, never two entries at one place, and agreement in the end',
  (first) => {
    const total = { committed: 0, elections: 0, reads: 0, changes: 0, installs: 0 };
    for (let seed = first; seed < first + batch; seed++) {
      const schedule = new Schedule(seed);
      try {
        schedule.run(1000);
        schedule.converge();
      } catch (error) {
        throw new Error(`seed ${seed} of the Raft schedules`, { cause: error });
      }
      for (const key of Object.keys(total) as (keyof typeof total)[]) total[key] += schedule.counts[key];
    }
    // A schedule in which nothing happens would find nothing.
    for (const count of Object.values(total)) expect(count).toBeGreaterThan(10);
  },
);

test('the same seed plays the same schedule', () => {
  const play = () => {
    const schedule = new Schedule(7);
    schedule.run(1500);
    return [schedule.converge(), schedule.counts];
  };
  expect(play()).toEqual(play());
});
