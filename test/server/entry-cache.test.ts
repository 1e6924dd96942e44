import { expect, test } from 'vitest';
import type { Entry } from '../../proto/raft.ts';
import { EntryCache, entryBytes, takeWithin } from '../../server/entry-cache.ts';

function entry(index: number, bytes = 68): Entry {
  return { index, term: 1, kind: 'command', data: new Uint8Array(bytes) };
}

function filled(from: number, to: number, bytesMax = 1_000_000): EntryCache {
  const cache = new EntryCache(bytesMax);
  for (let index = from; index <= to; index++) cache.append(entry(index));
  return cache;
}

function indexes(entries: readonly Entry[] | undefined): number[] | undefined {
  return entries?.map(({ index }) => index);
}

test('the oldest go when there are too many bytes, but for the very last', () => {
  const cache = filled(1, 50, 1000);
  expect([entryBytes(entry(1)), cache.first]).toEqual([100, 41]);
  expect(cache.slice(40, 42, 1000)).toBeUndefined();
  cache.append(entry(51, 5000));
  expect(cache.first).toBe(51);
});

test('a slice holds at least one entry and no more than the bytes allow', () => {
  const cache = filled(5, 20);
  expect(indexes(cache.slice(7, 10, 1000))).toEqual([7, 8, 9]);
  expect(indexes(cache.slice(7, 10, 1))).toEqual([7]);
  expect(indexes(cache.slice(7, 10, 299))).toEqual([7, 8]);
  expect(indexes(cache.slice(19, 99, 1000))).toEqual([19, 20]);
});

test('cutting and dropping leave the middle, and then nothing', () => {
  const cache = filled(1, 5000);
  cache.dropBefore(3000);
  cache.cut(4001);
  expect([cache.first, indexes(cache.slice(3999, 5001, 10_000))]).toEqual([3000, [3999, 4000]]);
  cache.append(entry(4001));
  cache.cut(1);
  expect(cache.first).toBeUndefined();
  cache.append(entry(7));
  expect(cache.first).toBe(7);
  cache.dropBefore(99);
  expect(cache.first).toBeUndefined();
});

test('an entry that does not follow is a bug', () => {
  expect(() => filled(1, 3).append(entry(5))).toThrow('dense');
});

test('takeWithin takes from the middle of a list', () => {
  const entries = [1, 2, 3, 4].map((index) => entry(index));
  expect(indexes(takeWithin(entries, 1, 3, 1000))).toEqual([2, 3]);
  expect(indexes(takeWithin(entries, 3, 3, 1000))).toEqual([]);
});
