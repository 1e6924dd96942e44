import { beforeEach, expect, test } from 'vitest';
import { whenLeaderless } from '../../server/leaderless.ts';
import { VirtualClock } from '../sim/clock.ts';

let clock: VirtualClock;
let leader: string | null;
let told: number;
const listeners = new Set<(standing: { leader: string | null }) => void>();

function becomes(next: string | null): void {
  leader = next;
  for (const listener of listeners) listener({ leader });
}

function watch(): () => void {
  const source = {
    get standing() {
      return { leader };
    },
    onStanding(listener: (standing: { leader: string | null }) => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  return whenLeaderless(source, clock, 7_000, () => told++);
}

beforeEach(() => {
  clock = new VirtualClock();
  leader = 's1';
  told = 0;
  listeners.clear();
});

test('only time without a break counts, and it is told once', async () => {
  watch();
  await clock.settleFor(60_000);
  becomes(null);
  await clock.settleFor(6_000);
  becomes('s2');
  await clock.settleFor(60_000);
  becomes(null);
  becomes(null);
  await clock.settleFor(6_900);
  expect(told).toBe(0);
  await clock.settleFor(200);
  expect(told).toBe(1);
  becomes('s3');
  becomes(null);
  await clock.settleFor(60_000);
  expect([told, listeners.size]).toEqual([1, 0]);
});

test('who has no leader from the beginning has lost it then', async () => {
  leader = null;
  watch();
  await clock.settleFor(7_100);
  expect(told).toBe(1);
});

test('nothing is told after the end of the watch', async () => {
  const stop = watch();
  becomes(null);
  stop();
  await clock.settleFor(60_000);
  expect([told, listeners.size]).toEqual([0, 0]);
});
