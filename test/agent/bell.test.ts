import { expect, test } from 'vitest';
import { Bell } from '../../agent/bell.ts';
import { VirtualClock } from '../sim/clock.ts';

function waiter(bell: Bell, limitMs: number, signal = new AbortController().signal) {
  const state = { woken: false };
  void bell.wait(limitMs, signal).then(() => {
    state.woken = true;
  });
  return state;
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('a ring wakes all who wait, and nobody who comes later', async () => {
  const bell = new Bell(new VirtualClock());
  const [one, two] = [waiter(bell, 1_000), waiter(bell, 1_000)];
  bell.ring();
  const late = waiter(bell, 1_000);
  await settled();
  expect([one.woken, two.woken, late.woken]).toEqual([true, true, false]);
});

test('the limit wakes as well, and so does an abort', async () => {
  const clock = new VirtualClock();
  const bell = new Bell(clock);
  const abort = new AbortController();
  const [short, long] = [waiter(bell, 1_000), waiter(bell, 9_000, abort.signal)];
  clock.runFor(1_000);
  await settled();
  expect([short.woken, long.woken]).toEqual([true, false]);
  abort.abort();
  await settled();
  expect(long.woken).toBe(true);
  const afterwards = waiter(bell, 9_000, abort.signal);
  await settled();
  expect(afterwards.woken).toBe(true);
});
