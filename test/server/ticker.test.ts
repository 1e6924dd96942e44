import { expect, test } from 'vitest';
import { Ticker } from '../../server/ticker.ts';
import { VirtualClock } from '../sim/clock.ts';
import { VirtualProcess } from '../sim/process.ts';

test('ticks come in their rhythm, and a pause counts as one that is late', () => {
  const clock = new VirtualClock();
  const process = new VirtualProcess(clock);
  const ticks: Array<[number, boolean]> = [];
  const ticker = new Ticker(process, 100, ({ isLate }) => ticks.push([clock.nowMs(), isLate]));
  ticker.start();
  clock.runFor(250);
  process.pause();
  clock.runFor(5_000);
  process.resume();
  expect(ticker.isLate).toBe(true);
  clock.runFor(150);
  ticker.stop();
  clock.runFor(1_000);
  expect(ticks).toEqual([
    [100, false],
    [200, false],
    [5_250, true],
    [5_350, false],
  ]);
});
