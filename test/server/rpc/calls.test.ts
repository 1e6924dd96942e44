import { expect, test } from 'vitest';
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
