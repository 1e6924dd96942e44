import { expect, test } from 'vitest';
import { Backlog } from '../../../server/raft/backlog.ts';

test('a batch weighs until all of it is settled', () => {
  const backlog = new Backlog();
  backlog.add(3, 300);
  backlog.add(5, 200);
  backlog.settle(2);
  expect(backlog.bytes).toBe(500);
  backlog.settle(4);
  expect(backlog.bytes).toBe(200);
  backlog.settle(5);
  backlog.settle(5);
  expect(backlog.bytes).toBe(0);
});

test('settled batches are forgotten, whatever the rhythm', () => {
  const backlog = new Backlog();
  for (let index = 1; index <= 1000; index++) {
    backlog.add(index, 10);
    if (index % 7 === 0) backlog.settle(index - 3);
  }
  expect(backlog.bytes).toBe((1000 - 991) * 10);
});
