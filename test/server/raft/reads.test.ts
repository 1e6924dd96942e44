import { expect, test } from 'vitest';
import { ForwardedReads, LeaderReads } from '../../../server/raft/reads.ts';

const limits = { leaseTicks: 5, readsMax: 3 };

function own(context: number) {
  return { context, from: null };
}

test('a read is confirmed by the first round that began after it, or a later one', () => {
  const reads = new LeaderReads(limits);
  reads.startRound(1);
  reads.note(own(7), 40);
  expect(reads.needsRound).toBe(true);
  expect(reads.confirm(1)).toEqual([]);
  reads.startRound(1);
  expect(reads.needsRound).toBe(false);
  reads.note(own(8), 41);
  expect(reads.confirm(2)).toMatchObject([{ context: 7, index: 40 }]);
  reads.startRound(2);
  reads.startRound(3);
  expect(reads.confirm(4)).toMatchObject([{ context: 8, index: 41 }]);
});

test('reads before the first commit of the term wait for it and take its index', () => {
  const reads = new LeaderReads(limits);
  reads.postpone(own(1));
  expect(reads.needsRound).toBe(false);
  reads.notePostponed(12);
  expect(reads.needsRound).toBe(true);
  reads.startRound(1);
  expect(reads.confirm(1)).toMatchObject([{ context: 1, index: 12 }]);
});

test('the lease is counted from when the round was sent, not from when it was confirmed', () => {
  const reads = new LeaderReads(limits);
  expect(reads.leaseHolds(0)).toBe(false);
  reads.startRound(10);
  reads.startRound(11);
  reads.confirm(1);
  expect(reads.leaseHolds(14)).toBe(true);
  expect(reads.leaseHolds(15)).toBe(false);
  reads.confirm(2);
  expect(reads.leaseHolds(15)).toBe(true);
});

test('of several rounds in one tick only the last gives the lease', () => {
  const reads = new LeaderReads(limits);
  reads.startRound(10);
  reads.startRound(10);
  reads.confirm(1);
  expect(reads.leaseHolds(10)).toBe(false);
  reads.confirm(2);
  expect(reads.leaseHolds(10)).toBe(true);
});

test('after a pause only a round that begins later gives a lease', () => {
  const reads = new LeaderReads(limits);
  reads.startRound(10);
  reads.confirm(1);
  reads.startRound(11);
  reads.forgetLease();
  expect(reads.leaseHolds(11)).toBe(false);
  reads.confirm(2);
  expect(reads.leaseHolds(11)).toBe(false);
  reads.startRound(12);
  reads.confirm(3);
  expect(reads.leaseHolds(12)).toBe(true);
});

test('the waiting room is bounded and is emptied when the leadership ends', () => {
  const reads = new LeaderReads(limits);
  reads.postpone(own(1));
  reads.note(own(2), 5);
  expect(reads.isFull).toBe(false);
  reads.note({ context: 3, from: 'b' }, 5);
  expect(reads.isFull).toBe(true);
  expect(reads.drain().map(({ context }) => context)).toEqual([1, 2, 3]);
  expect(reads.isFull).toBe(false);
});

test('forwarded reads of one turn share a request, and only its answer ends them', () => {
  const reads = new ForwardedReads(10, 500);
  expect(reads.ask(1)).toBeNull();
  reads.add(1);
  reads.add(2);
  expect(reads.ask(1)).toBe(500);
  reads.add(3);
  expect(reads.ask(2)).toBe(501);
  expect(reads.answered(499)).toEqual([]);
  expect(reads.answered(501)).toEqual([3]);
  expect(reads.answered(501)).toEqual([]);
  expect(reads.answered(500)).toEqual([1, 2]);
});

test('forwarded reads expire, and are bounded', () => {
  const reads = new ForwardedReads(2, 1);
  reads.add(1);
  reads.ask(10);
  reads.add(2);
  expect(reads.isFull).toBe(true);
  expect(reads.expire(14, 5)).toEqual([]);
  expect(reads.expire(15, 5)).toEqual([1]);
  expect(reads.isFull).toBe(false);
  expect(reads.drain()).toEqual([2]);
});
