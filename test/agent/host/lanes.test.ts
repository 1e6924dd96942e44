import { expect, test } from 'vitest';
import { Lanes } from '../../../agent/host/lanes.ts';

type Done = (error: Error | null, result: number) => void;

test('so many at once, the others in the order they came', async () => {
  const lanes = new Lanes(2);
  const started: Done[] = [];
  const results = [1, 2, 3, 4].map(() => lanes.run<number>((done) => started.push(done)));
  expect(started).toHaveLength(2);
  started[1]!(null, 20);
  expect(await results[1]).toBe(20);
  expect(started).toHaveLength(3);
  started[0]!(new Error('failed'), 0);
  await expect(results[0]).rejects.toThrow('failed');
  expect(started).toHaveLength(4);
  started[2]!(null, 30);
  started[3]!(null, 40);
  expect(await Promise.all(results.slice(2))).toEqual([30, 40]);
});

test('one that never ends keeps its own lane and no other', async () => {
  const lanes = new Lanes(2);
  void lanes.run<number>(() => {});
  for (let i = 0; i < 5; i++) expect(await lanes.run<number>((done) => done(null, i))).toBe(i);
});
