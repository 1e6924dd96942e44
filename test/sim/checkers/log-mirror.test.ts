import { expect, test } from 'vitest';
import type { Entry } from '../../../proto/raft.ts';
import { type DurableLog, type Link, LogMirror } from './log-mirror.ts';

/** A log on disk whose entries begin behind what was compacted. */
function logOf(first: number, ...terms: readonly number[]): DurableLog {
  const entries: Entry[] = terms.map((term, n) => ({
    index: first + n,
    term,
    kind: 'noop',
    data: Buffer.of(),
  }));
  return {
    firstIndex: () => first,
    lastIndex: () => first + terms.length - 1,
    term: (index) => entries[index - first]?.term,
    slice: (from, to) => entries.slice(from - first, to - first),
  };
}

const nothing = (): Link | undefined => undefined;

test('it follows a log that grows, and says what is new', () => {
  const mirror = new LogMirror();
  expect(mirror.sync(logOf(1, 1, 1), nothing)).toEqual({ from: 1, to: 2 });
  expect(mirror.sync(logOf(1, 1, 1), nothing)).toBeNull();
  expect(mirror.sync(logOf(1, 1, 1, 2), nothing)).toEqual({ from: 3, to: 3 });
  expect(mirror.last).toBe(3);
});

test('a tail that was cut is forgotten, and what took its place is chained to what stayed', () => {
  const mirror = new LogMirror();
  mirror.sync(logOf(1, 1, 2, 2), nothing);
  const before = mirror.at(1);
  expect(mirror.sync(logOf(1, 1, 3), nothing)).toEqual({ from: 2, to: 2 });
  expect([mirror.at(1), mirror.at(2)!.term, mirror.at(3)]).toEqual([before, 3, undefined]);
  const straight = new LogMirror();
  straight.sync(logOf(1, 1, 3), nothing);
  expect(mirror.at(2)).toEqual(straight.at(2));
});

test('a tail that was cut and compacted away between two looks does not count: what is committed does', () => {
  const straight = new LogMirror();
  straight.sync(logOf(1, 1, 3, 3), nothing);
  const mirror = new LogMirror();
  mirror.sync(logOf(1, 1, 2), nothing);
  mirror.sync(logOf(3, 3), (index) => straight.at(index));
  expect(mirror.at(3)).toEqual(straight.at(3));
});

test('behind a snapshot that nobody else knows there is nothing to compare', () => {
  expect(new LogMirror().sync(logOf(5, 2), nothing)).toBeNull();
});
