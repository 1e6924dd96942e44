import { expect, test } from 'vitest';
import type { HealthEvent } from '../../proto/schema/event.ts';
import { draftEvent } from '../../proto/schema/event-draft.ts';
import { RecentEvents, StoredEvent } from '../../server/recent-events.ts';

function event(offset: number): HealthEvent {
  return {
    Schema: 1,
    Offset: offset,
    Time: '2026-11-22T03:12:00.000Z',
    ...draftEvent({ Kind: 'node.failed', Node: 'ü' }),
  };
}

function filled(from: number, to: number, bytesMax = 1_000_000): RecentEvents {
  const recent = new RecentEvents(bytesMax);
  for (let offset = from; offset <= to; offset++) recent.append(StoredEvent.from(event(offset)));
  return recent;
}

const bytesOfOne = StoredEvent.from(event(10)).json.length;

test('a stored event is its JSON, parsed once when somebody asks', () => {
  const stored = new StoredEvent(7, StoredEvent.from(event(7)).json);
  expect(stored.event).toEqual(event(7));
  expect(stored.event).toBe(stored.event);
});

test('pages are bounded by count and bytes, with at least one event', () => {
  const recent = filled(10, 99);
  const read = (offset: number, limit: number, bytesMax: number): number[] | undefined =>
    recent.read(offset, { limit, bytesMax })?.map((stored) => stored.offset);
  expect(read(9, 5, 10_000)).toBeUndefined();
  expect(read(10, 3, 10_000)).toEqual([10, 11, 12]);
  expect(read(98, 5, 10_000)).toEqual([98, 99]);
  expect(read(20, 5, 1)).toEqual([20]);
  expect(read(20, 5, bytesOfOne * 2)).toEqual([20, 21]);
});

test('shrinking keeps the bound, and everything that is not durable', () => {
  const recent = filled(10, 59, bytesOfOne * 20);
  recent.shrink(20);
  expect(recent.first).toBe(20);
  recent.shrink(59);
  expect(recent.first).toBeGreaterThanOrEqual(40);
  expect(recent.first).toBeLessThan(46);
  const before = recent.first;
  recent.shrink(59);
  expect(recent.first).toBe(before);
});

test('the front can be dropped, one by its number be found, and all be cleared', () => {
  const recent = filled(10, 30);
  recent.dropBefore(20);
  expect([recent.first, recent.get(20)?.offset, recent.get(19)]).toEqual([20, 20, undefined]);
  recent.clear();
  expect([recent.first, recent.get(1)]).toEqual([undefined, undefined]);
  recent.append(StoredEvent.from(event(500)));
  expect(recent.first).toBe(500);
});

test('an event that does not follow is a bug', () => {
  expect(() => filled(1, 3).append(StoredEvent.from(event(5)))).toThrow('event 5 after 3');
});
