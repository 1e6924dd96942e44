import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Due, DueHeap } from '../../../agent/gossip/due-heap.ts';

test('whatever goes in comes out by its time, and in its order within one moment', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 9 })), (times) => {
      const heap = new DueHeap<Due>();
      const entries = times.map((dueMs, order) => ({ dueMs, order }));
      for (const entry of entries) heap.push(entry);
      expect(heap.size).toBe(entries.length);
      const out: Due[] = [];
      for (let next = heap.pop(); next !== undefined; next = heap.pop()) out.push(next);
      expect(out).toEqual([...entries].sort((a, b) => a.dueMs - b.dueMs || a.order - b.order));
    }),
  );
});

test('the first is seen without being taken', () => {
  const heap = new DueHeap<Due>();
  expect(heap.first).toBeUndefined();
  heap.push({ dueMs: 2, order: 1 });
  heap.push({ dueMs: 1, order: 2 });
  expect(heap.first).toEqual({ dueMs: 1, order: 2 });
  heap.clear();
  expect([heap.first, heap.size]).toEqual([undefined, 0]);
});
