import { expect, test } from 'vitest';
import type { Clock } from '../../../proto/ports.ts';
import { CallTable, callsWaitingMax, callTimeoutMsDefault } from '../../../server/rpc/calls.ts';
import { VirtualClock } from '../../sim/clock.ts';

test('an answer settles its call and nothing else', async () => {
  const calls = new CallTable(new VirtualClock());
  const one = calls.wait(1, 'status', undefined, () => {});
  const two = calls.wait(2, 'status', undefined, () => {});
  calls.settle(2)?.resolve('second');
  calls.settle(1)?.resolve('first');
  expect(calls.settle(1)).toBeUndefined();
  expect([await one, await two, calls.size]).toEqual(['first', 'second', 0]);
});

test('after the timeout the caller hears TIMEOUT, and whoever should know is told once', async () => {
  const clock = new VirtualClock();
  const calls = new CallTable(clock);
  let givenUp = 0;
  const failure = calls.wait(1, 'status', undefined, () => {
    givenUp += 1;
  });
  const code = failure.catch((error) => [error.code, error.message]);
  await clock.settleFor(callTimeoutMsDefault + 1);
  expect(await code).toEqual(['TIMEOUT', 'rpc error: no answer to status within 10000 ms']);
  expect(givenUp).toBe(1);
});

test('each call has its own deadline, whatever the order', async () => {
  const clock = new VirtualClock();
  const calls = new CallTable(clock);
  const over: string[] = [];
  const wait = (id: number, timeoutMs: number) =>
    calls.wait(id, 'status', { timeoutMs }, () => over.push(`${id} at ${Math.round(clock.nowMs())}`));
  const slow = wait(1, 5_000).catch(() => {});
  const quick = wait(2, 1_000.3).catch(() => {});
  const answered = wait(3, 500);
  calls.settle(3)?.resolve('answer');
  await clock.settleFor(2_000);
  const late = wait(4, 100).catch(() => {});
  await clock.settleFor(10_000);
  await Promise.all([slow, quick, late]);
  expect([await answered, over, calls.size]).toEqual(['answer', ['2 at 1000', '4 at 2100', '1 at 5000'], 0]);
});

test('however many calls wait, one timer does, and none when nobody waits', async () => {
  const clock = new VirtualClock();
  let timers = 0;
  let set = 0;
  const counting: Clock = {
    nowMs: () => clock.nowMs(),
    wallMs: () => clock.wallMs(),
    after(delayMs, run) {
      timers += 1;
      set += 1;
      const timer = clock.after(delayMs, () => {
        timers -= 1;
        run();
      });
      let isOver = false;
      return {
        cancel() {
          if (!isOver) timers -= 1;
          isOver = true;
          timer.cancel();
        },
      };
    },
  };
  const calls = new CallTable(counting);
  const waiting = Array.from({ length: 100 }, (_, id) => calls.wait(id, 'status', undefined, () => {}));
  expect([timers, set]).toEqual([1, 1]);
  for (let id = 0; id < 100; id++) calls.settle(id)?.resolve(null);
  await Promise.all(waiting);
  expect(timers).toBe(0);
});

test('a signal gives up, also one that was given before', async () => {
  const calls = new CallTable(new VirtualClock());
  const abort = new AbortController();
  const late = calls.wait(1, 'status', { signal: abort.signal }, () => {}).catch((error) => error.code);
  abort.abort();
  const early = calls.wait(2, 'status', { signal: abort.signal }, () => {}).catch((error) => error.code);
  expect([await late, await early]).toEqual(['STOPPING', 'STOPPING']);
});

test('the table is bounded', async () => {
  const calls = new CallTable(new VirtualClock());
  for (let id = 0; id < callsWaitingMax; id++) calls.wait(id, 'status', undefined, () => {}).catch(() => {});
  await expect(calls.wait(callsWaitingMax, 'status', undefined, () => {})).rejects.toMatchObject({
    code: 'BUSY',
  });
  calls.rejectAll(new Error('over'));
  expect(calls.size).toBe(0);
});
