import { expect, test } from 'vitest';
import { SeededRandom } from './random.ts';

test('a seed fixes everything that is drawn, and another one changes it', () => {
  const draw = (seed: string | number) => {
    const random = new SeededRandom(seed);
    return [random.unit(), random.int(0, 100), [...random.bytes(4)], random.shuffle([1, 2, 3, 4, 5])];
  };
  expect(draw(1)).toEqual(draw(1));
  expect(draw('1')).toEqual(draw(1));
  expect(draw(2)).not.toEqual(draw(1));
});

test('parts with a generator of their own do not disturb each other', () => {
  const one = new SeededRandom(7);
  const other = new SeededRandom(7);
  const network = one.fork('network');
  const same = other.fork('network');
  network.unit();
  expect(one.unit()).toBe(other.unit());
  same.unit();
  expect(network.unit()).toBe(same.unit());
  expect(new SeededRandom(7).fork('a').unit()).not.toBe(new SeededRandom(7).fork('b').unit());
});

test('draws are spread evenly and stay within their bounds', () => {
  const random = new SeededRandom('even');
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 100_000; i++) counts[random.int(0, 10)]! += 1;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
  const between = Array.from({ length: 1_000 }, () => random.between(5, 6));
  expect(Math.min(...between)).toBeGreaterThanOrEqual(5);
  expect(Math.max(...between)).toBeLessThan(6);
  const hits = Array.from({ length: 10_000 }, () => random.chance(0.3)).filter(Boolean).length;
  expect(Math.abs(hits - 3_000)).toBeLessThan(200);
  expect(random.pick(['only'])).toBe('only');
  expect(random.shuffle([1, 2, 3]).sort()).toEqual([1, 2, 3]);
});
