import { expect, test } from 'vitest';
import { Counters } from '../../../agent/gossip/counters.ts';

test('counts by name, and lists them in order', () => {
  const counters = new Counters();
  counters.add('probes');
  counters.add('bytes', 120);
  counters.add('probes');
  expect(counters.get('probes')).toBe(2);
  expect(counters.get('nothing')).toBe(0);
  expect(Object.entries(counters.all())).toEqual([
    ['bytes', 120],
    ['probes', 2],
  ]);
});
