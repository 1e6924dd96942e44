import { expect, test } from 'vitest';
import { leaderClock } from '../../agent/leader-clock.ts';
import { ExpectedError } from '../../proto/errors.ts';
import type { Clock } from '../../proto/ports.ts';
import type { Rpc } from '../../proto/rpc.ts';

/** A clock that a test moves by hand. */
function handClock(wallMs: number): Clock & { pass(ms: number): void } {
  let passedMs = 0;
  return {
    nowMs: () => passedMs,
    wallMs: () => wallMs + passedMs,
    after: () => ({ cancel: () => {} }),
    pass: (ms) => {
      passedMs += ms;
    },
  };
}

test('half of the way there and back is not taken for a difference', async () => {
  const clock = handClock(1_000_000);
  const rpc = {
    call: async () => {
      clock.pass(40);
      const wallMs = clock.wallMs() - 300;
      clock.pass(40);
      return { wallMs };
    },
  } as unknown as Rpc;
  expect(await leaderClock(rpc, clock).offsetMs(1_000)).toBe(300);
});

test('no leader answers: nothing is known', async () => {
  const rpc = { call: () => Promise.reject(new ExpectedError('NO_LEADER')) } as unknown as Rpc;
  expect(await leaderClock(rpc, handClock(0)).offsetMs(1_000)).toBeNull();
});
