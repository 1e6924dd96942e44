import { expect, test } from 'vitest';
import { Coordinates, estimate } from '../../../../agent/gossip/serf/coordinates.ts';
import { decodePingPayload, encodePingPayload } from '../../../../proto/gossip/coordinate.ts';
import { SeededRandom } from '../../../sim/random.ts';

const make = (seed: string | number) => new Coordinates(new SeededRandom(seed));

test('a newcomer says where everybody starts', () => {
  expect(decodePingPayload(make(1).payload())).toEqual({
    vec: [0, 0, 0, 0, 0, 0, 0, 0],
    height: 1e-5,
    adjustment: 0,
    error: 1.5,
  });
});

test('members on a line of three sites come to know their delays', () => {
  const delaysMs = [0, 20, 50];
  const nodes = Array.from({ length: 12 }, (_, index) => ({
    at: delaysMs[index % 3]!,
    coordinates: make(index),
  }));
  const random = new SeededRandom('pings');
  const rttMs = (a: { at: number }, b: { at: number }) => 1 + Math.abs(a.at - b.at);
  for (let round = 0; round < 2_000; round++) {
    const [one, other] = random.shuffle(nodes);
    const number = nodes.indexOf(other!);
    one!.coordinates.learn(number, rttMs(one!, other!), other!.coordinates.payload());
  }
  for (const one of nodes) {
    for (const other of nodes) {
      if (one === other) continue;
      const estimatedMs = 1_000 * estimate(one.coordinates.own, other.coordinates.own);
      expect(Math.abs(estimatedMs - rttMs(one, other))).toBeLessThan(8);
    }
  }
});

test('one slow answer among three does not move us far', () => {
  const steady = make('a');
  const shaken = make('a');
  const other = make('b').payload();
  for (let i = 0; i < 5; i++) for (const each of [steady, shaken]) each.learn(1, 10, other);
  steady.learn(1, 10, other);
  shaken.learn(1, 9_000, other);
  expect(shaken.own).toEqual(steady.own);
});

test('nonsense teaches nothing', () => {
  const coordinates = make(1);
  const before = coordinates.own;
  coordinates.learn(1, 10, null);
  coordinates.learn(1, 10, Uint8Array.of(1, 2, 3));
  coordinates.learn(1, -1, make(2).payload());
  coordinates.learn(1, 11_000, make(2).payload());
  coordinates.learn(1, Number.NaN, make(2).payload());
  expect(coordinates.own).toBe(before);
});

test('a coordinate at the end of the world throws us back to the start, not into infinity', () => {
  const coordinates = make(1);
  const far = encodePingPayload({ vec: new Array(8).fill(1e308), height: 1e308, adjustment: 0, error: 1 });
  for (let i = 0; i < 10; i++) coordinates.learn(1, 10, far);
  expect([...coordinates.own.vec, coordinates.own.height].every(Number.isFinite)).toBe(true);
});

test('the samples of a member that is forgotten do not count for the next one with its number', () => {
  const one = make('a');
  const fresh = make('a');
  const other = make('b').payload();
  one.learn(5, 9_000, encodePingPayload({ ...fresh.own, error: 0 }));
  const before = one.own;
  one.forget(5);
  one.forget(500);
  one.learn(5, 10, other);
  // The median of one sample is that sample: had the old one counted, the wait would have been nine seconds.
  expect(one.own).not.toEqual(before);
  expect(estimate(one.own, decodePingPayload(other)!)).toBeLessThan(9);
});
