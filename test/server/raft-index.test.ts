import { expect, test } from 'vitest';
import { RaftIndex } from '../../server/raft-index.ts';
import { SeededRandom } from '../sim/random.ts';

function filled(last: number, termOf: (index: number) => number): RaftIndex {
  const index = new RaftIndex();
  for (let at = 1; at <= last; at++) index.append(at, termOf(at), at * 2);
  return index;
}

test('a new index is empty; the term before the first entry is 0', () => {
  const index = new RaftIndex();
  expect([index.first, index.last, index.term(0), index.term(1), index.positionBefore(1)]).toEqual([
    1,
    0,
    0,
    undefined,
    undefined,
  ]);
});

test('terms are known for each entry, and for none beside', () => {
  const index = filled(200, (at) => Math.ceil(at / 30));
  expect([1, 30, 31, 200].map((at) => index.term(at))).toEqual([1, 1, 2, 7]);
  expect([index.term(201), index.term(-1)]).toEqual([undefined, undefined]);
});

test('entries are dense and terms never fall, or it is a bug', () => {
  const index = filled(3, () => 2);
  expect(() => index.append(5, 2, 0)).toThrow('entry 5 follows 3');
  expect(() => index.append(4, 1, 0)).toThrow('terms never fall');
});

test('a cut takes the end away; at or before the first entry it leaves nothing', () => {
  const index = filled(100, (at) => (at < 50 ? 1 : 2));
  index.cut(60);
  expect([index.last, index.term(59), index.term(60)]).toEqual([59, 2, undefined]);
  index.cut(90);
  expect(index.last).toBe(59);
  index.append(60, 5, 1000);
  expect(index.term(60)).toBe(5);
  index.compact(40);
  index.cut(30);
  expect([index.first, index.last, index.term(29)]).toEqual([30, 29, undefined]);
});

test('compaction forgets the beginning and remembers the term before it', () => {
  const index = filled(300, (at) => Math.ceil(at / 100));
  index.compact(150);
  expect([index.first, index.last]).toEqual([150, 300]);
  expect([148, 149, 150, 200, 201].map((at) => index.term(at))).toEqual([undefined, 2, 2, 2, 3]);
  index.compact(100);
  expect(index.first).toBe(150);
  index.compact(301);
  expect([index.first, index.last, index.term(300), index.positionBefore(301)]).toEqual([
    301,
    300,
    3,
    undefined,
  ]);
  index.append(301, 3, 700);
  expect(index.positionBefore(301)).toBe(700);
});

test('after a reset only what lies behind counts', () => {
  const index = filled(10, () => 1);
  index.reset(50, 4);
  expect([index.first, index.last, index.term(50), index.term(10)]).toEqual([51, 50, 4, undefined]);
});

test('whatever happens to it, it agrees with a plain list: 100 random lives', () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = new SeededRandom(`index/${seed}`);
    const index = new RaftIndex();
    let first = 1;
    let terms: number[] = [];
    let positions: number[] = [];
    let position = 0;
    let newest = 5;
    for (let step = 0; step < 40; step++) {
      const draw = random.int(0, 10);
      if (draw < 7) {
        for (let i = random.int(1, 60); i > 0; i--) {
          if (random.chance(0.1)) newest++;
          const term = newest;
          index.append(first + terms.length, term, ++position);
          terms.push(term);
          positions.push(position);
        }
      } else if (draw < 9 && terms.length > 0) {
        const from = random.int(first, first + terms.length);
        index.cut(from);
        terms = terms.slice(0, from - first);
        positions = positions.slice(0, from - first);
      } else if (terms.length > 1) {
        const to = random.int(first, first + terms.length);
        index.compact(to);
        terms = terms.slice(to - first);
        positions = positions.slice(to - first);
        first = to;
      }
      position++;
      expect([index.first, index.last]).toEqual([first, first + terms.length - 1]);
      const wrong = terms.findIndex((term, at) => index.term(first + at) !== term);
      const beyond = positions.findIndex((place, at) => (index.positionBefore(first + at) ?? 0) > place);
      expect([wrong, beyond], `seed ${seed}, step ${step}`).toEqual([-1, -1]);
    }
  }
});
