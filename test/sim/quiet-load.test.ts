import { expect, test } from 'vitest';
import { quietLoad } from './quiet-load.ts';

const options = { seed: 'load', forMs: 30_000 };

test('in a quiet cluster a node sends as much among four hundred as among forty', () => {
  const small = quietLoad({ ...options, members: 40, kin: true });
  const large = quietLoad({ ...options, members: 400, kin: true });
  expect(large.datagrams / small.datagrams).toBeGreaterThan(0.85);
  expect(large.datagrams / small.datagrams).toBeLessThan(1.15);
  // Digests are compared more rarely in a large cluster, and are not longer.
  expect(large.streams).toBeLessThan(small.streams);
});

test('whole tables are what grows, and only stock agents need them', () => {
  const ours = quietLoad({ ...options, members: 100, kin: true });
  const stock = quietLoad({ ...options, members: 100, kin: false });
  expect(stock.streams).toBeGreaterThan(10 * ours.streams);
});
