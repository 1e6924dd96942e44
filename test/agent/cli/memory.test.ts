import { setFlagsFromString } from 'node:v8';
import { expect, test } from 'vitest';
import {
  ownCpuMs,
  preferFastCode,
  preferSmallMemory,
  preferSpeed,
  whenBusy,
} from '../../../agent/cli/memory.ts';
import { VirtualClock } from '../../sim/clock.ts';

/** V8's own word on a function: bit 6 of it stands for code of the large compiler. */
function isCompiled(run: (round: number) => number, rounds: number): boolean {
  setFlagsFromString('--allow-natives-syntax');
  const status = new Function('run', 'return %GetOptimizationStatus(run)') as (it: unknown) => number;
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    sum += run(round);
    if ((status(run) & 64) !== 0) return sum > 0;
  }
  return false;
}

test.each([
  ['wants speed', preferSpeed],
  ['is busy', preferFastCode],
])('only a process that %s compiles what runs often', (name, prefer) => {
  // Another text each time: V8 remembers what it thought of the one before.
  const makeRun = (name: string) =>
    new Function(
      'round',
      `/* ${name} */ let sum = 1; for (let i = 0; i < 10000; i++) sum += i % (round + 2); return sum`,
    ) as (round: number) => number;
  preferSmallMemory();
  expect(isCompiled(makeRun(`${name}, small`), 500)).toBe(false);
  prefer();
  expect(isCompiled(makeRun(name), 1_000_000)).toBe(true);
  preferSpeed();
});

test('busy is who was so twice in a row', async () => {
  const clock = new VirtualClock();
  let [usedMs, told] = [0, 0];
  whenBusy({ clock, cpuMs: () => usedMs, onBusy: () => told++ });
  const fiveSeconds = async (cpuMs: number) => {
    usedMs += cpuMs;
    await clock.settleFor(5_000);
  };
  for (const cpuMs of [25, 2_500, 25, 450, 2_500, 450]) await fiveSeconds(cpuMs);
  expect(told).toBe(0);
  for (const cpuMs of [550, 550, 4_500]) await fiveSeconds(cpuMs);
  expect(told).toBe(1);
});

test('the watch ends when it is told to', async () => {
  const clock = new VirtualClock();
  let [usedMs, told] = [0, 0];
  const stop = whenBusy({ clock, cpuMs: () => (usedMs += 60_000), onBusy: () => told++ });
  stop();
  await clock.settleFor(60_000);
  expect(told).toBe(0);
});

test('the processor time of this process grows with what it does', () => {
  const beforeMs = ownCpuMs();
  while (ownCpuMs() - beforeMs < 10);
  expect(ownCpuMs()).toBeGreaterThan(beforeMs);
});
