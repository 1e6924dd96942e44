import { expect, test } from 'vitest';
import { LamportClock } from '../../../../agent/gossip/serf/lamport.ts';

// Gossip-wire 16.1.
test('a clock starts at one, counts up with what is said, and follows what is heard', () => {
  const clock = new LamportClock();
  expect(clock.next).toBe(1);
  expect([clock.take(), clock.take()]).toEqual([1, 2]);
  clock.witness(7);
  expect(clock.next).toBe(8);
  clock.witness(7);
  clock.witness(3);
  expect(clock.next).toBe(8);
});

test('a time at the end of the range, which only malice sends, does not break counting', () => {
  const clock = new LamportClock();
  clock.witness(Number.MAX_SAFE_INTEGER);
  expect(clock.next).toBe(Number.MAX_SAFE_INTEGER);
  expect(clock.take()).toBe(Number.MAX_SAFE_INTEGER);
});
