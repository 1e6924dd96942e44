import { expect, test } from 'vitest';
import { Keepalive, keepaliveMs, missedPingsMax } from '../../../server/rpc/keepalive.ts';
import { VirtualClock } from '../../sim/clock.ts';

function watch(answers: boolean) {
  const clock = new VirtualClock();
  const seen = { pings: 0, silentAtMs: 0 };
  const keepalive = new Keepalive(
    clock,
    () => {
      seen.pings += 1;
      if (answers) keepalive.heard();
    },
    () => {
      seen.silentAtMs = clock.nowMs();
    },
  );
  return { clock, seen, keepalive };
}

test('a quiet side that answers is asked now and then and kept', () => {
  const { clock, seen } = watch(true);
  clock.runFor(100 * keepaliveMs);
  expect(seen.pings).toBeGreaterThan(40);
  expect(seen.silentAtMs).toBe(0);
});

test('one that does not answer is given up after so many questions, once', () => {
  const { clock, seen } = watch(false);
  clock.runFor(100 * keepaliveMs);
  expect(seen).toEqual({ pings: missedPingsMax, silentAtMs: (missedPingsMax + 2) * keepaliveMs });
});

test('a single word in between is enough', () => {
  const { clock, seen, keepalive } = watch(false);
  for (let n = 0; n < 20; n++) {
    clock.runFor(3 * keepaliveMs);
    keepalive.heard();
  }
  expect(seen.silentAtMs).toBe(0);
});

test('after the end nobody is asked', () => {
  const { clock, seen, keepalive } = watch(false);
  keepalive.stop();
  clock.runFor(100 * keepaliveMs);
  expect(seen.pings).toBe(0);
});
