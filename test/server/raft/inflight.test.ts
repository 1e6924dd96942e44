import { expect, test } from 'vitest';
import { InflightWindow } from '../../../server/raft/inflight.ts';

test('full by number', () => {
  const window = new InflightWindow(2, 1000);
  window.add(3, 1);
  expect(window.isFull).toBe(false);
  window.add(7, 1);
  expect(window.isFull).toBe(true);
});

test('full by bytes', () => {
  const window = new InflightWindow(100, 1000);
  window.add(3, 999);
  expect(window.isFull).toBe(false);
  window.add(4, 1);
  expect(window.isFull).toBe(true);
});

test('an acknowledgement frees everything up to its index, a late one nothing', () => {
  const window = new InflightWindow(3, 1000);
  for (const index of [2, 4, 6]) window.add(index, 400);
  window.freeTo(1);
  expect(window.isFull).toBe(true);
  window.freeTo(5);
  window.add(8, 100);
  expect(window.isFull).toBe(false);
  window.add(9, 500);
  expect(window.isFull).toBe(true);
  window.freeTo(9);
  window.add(10, 999);
  expect(window.isFull).toBe(false);
});

test('cleared, it is empty', () => {
  const window = new InflightWindow(1, 1);
  window.add(1, 1);
  window.clear();
  expect(window.isFull).toBe(false);
});
