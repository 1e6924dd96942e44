import { expect, test } from 'vitest';
import { hostRandom } from '../../../agent/host/random.ts';

test('floats lie in [0, 1) and are spread', () => {
  const random = hostRandom();
  const values = Array.from({ length: 2_000 }, () => random.unit());
  expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
  expect(Math.max(...values)).toBeLessThan(1);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  // Ten standard deviations of the mean of 2,000 even values.
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.065);
});

test('bytes have the wanted length and differ', () => {
  const random = hostRandom();
  expect(random.bytes(16)).toHaveLength(16);
  expect(Buffer.from(random.bytes(16))).not.toEqual(Buffer.from(random.bytes(16)));
});
