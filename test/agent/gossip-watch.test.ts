import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { FromThread } from '../../agent/gossip-link.ts';
import {
  beat,
  beatIntervalMs,
  resumedEvent,
  stalledEvent,
  watchMainThread,
} from '../../agent/gossip-watch.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function make() {
  const beats = new Int32Array(new SharedArrayBuffer(4));
  const told: string[] = [];
  const posted: FromThread[] = [];
  const stopWatching = watchMainThread({
    beats,
    gossip: { fireEvent: (name, payload) => told.push(`${name} ${Buffer.from(payload).toString()}`) },
    link: { post: (message) => posted.push(message) },
    name: 'web',
  });
  return { beats, told, posted, stopWatching };
}

test('a main thread that counts is not talked about', () => {
  const { beats, told, posted, stopWatching } = make();
  const stop = beat(beats);
  vi.advanceTimersByTime(60 * beatIntervalMs);
  expect(beats[0]).toBeGreaterThan(50);
  expect([told, posted]).toEqual([[], []]);
  stop();
  stopWatching();
});

test('one that stands still is reported to the cluster once, and to itself when it goes on', () => {
  const { beats, told, posted, stopWatching } = make();
  vi.advanceTimersByTime(4 * beatIntervalMs);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(4 * beatIntervalMs);
  expect(told).toEqual([`${stalledEvent} {"Node":"web","Ms":5000}`]);
  beats[0]! += 1;
  vi.advanceTimersByTime(beatIntervalMs);
  expect(told[1]).toBe(`${resumedEvent} {"Node":"web","Ms":8000}`);
  expect(posted).toEqual([{ notice: { kind: 'main-stall', stallMs: 8_000 } }]);
  stopWatching();
});

test('a short pause is nobody else’s business', () => {
  const { beats, told, posted, stopWatching } = make();
  vi.advanceTimersByTime(3 * beatIntervalMs);
  beats[0]! += 1;
  vi.advanceTimersByTime(beatIntervalMs);
  expect([told, posted]).toEqual([[], []]);
  stopWatching();
});
