import { expect, test } from 'vitest';
import type { ServerId } from '../../../proto/raft.ts';
import { isQuorum, majority, reachedByQuorum, tally } from '../../../server/raft/quorum.ts';

test.each([
  [1, 1],
  [2, 2],
  [3, 2],
  [4, 3],
  [5, 3],
  [6, 4],
  [7, 4],
])('of %i voters %i are a majority', (voters, needed) => {
  expect(majority(voters)).toBe(needed);
});

const names = ['a', 'b', 'c', 'd', 'e'];

function positions(numbers: readonly number[]): (id: ServerId) => number {
  return (id) => numbers[names.indexOf(id)]!;
}

test.each([
  [[7], 7],
  [[7, 5], 5],
  [[7, 5, 0], 5],
  [[7, 0, 0], 0],
  [[7, 6, 5, 4], 5],
  [[7, 7, 6, 4, 2], 6],
  [[2, 4, 6, 7, 7], 6],
  [[9, 9, 0, 0, 0], 0],
])('acknowledgements %j make %i committed', (numbers, committed) => {
  const sets = { voters: names.slice(0, numbers.length), outgoing: null };
  expect(reachedByQuorum(sets, positions(numbers))).toBe(committed);
});

test.each([
  { voters: ['a', 'b', 'c'], outgoing: ['c', 'd', 'e'], numbers: [9, 9, 9, 0, 0], committed: 0 },
  { voters: ['a', 'b', 'c'], outgoing: ['c', 'd', 'e'], numbers: [9, 9, 4, 4, 0], committed: 4 },
  { voters: ['a', 'b', 'c'], outgoing: ['c', 'd', 'e'], numbers: [0, 0, 9, 9, 9], committed: 0 },
  { voters: ['a', 'b', 'c'], outgoing: ['c', 'd', 'e'], numbers: [0, 0, 9, 0, 9], committed: 0 },
  { voters: ['a'], outgoing: ['a', 'b'], numbers: [9, 3], committed: 3 },
  { voters: ['d'], outgoing: ['a'], numbers: [9, 0, 0, 2], committed: 2 },
])('joint phase (4.3): $voters and $outgoing at $numbers make $committed', (row) => {
  expect(reachedByQuorum(row, positions(row.numbers))).toBe(row.committed);
});

const yes = true;
const no = false;

test.each([
  { voters: ['a'], votes: {}, verdict: 'open' },
  { voters: ['a'], votes: { a: yes }, verdict: 'won' },
  { voters: ['a', 'b'], votes: { a: yes }, verdict: 'open' },
  { voters: ['a', 'b'], votes: { a: yes, b: no }, verdict: 'lost' },
  { voters: ['a', 'b', 'c'], votes: { a: yes, b: no }, verdict: 'open' },
  { voters: ['a', 'b', 'c'], votes: { a: yes, b: no, c: yes }, verdict: 'won' },
  { voters: ['a', 'b', 'c'], votes: { b: no, c: no }, verdict: 'lost' },
  { voters: ['a', 'b', 'c', 'd'], votes: { a: yes, b: yes }, verdict: 'open' },
  { voters: ['a', 'b', 'c', 'd'], votes: { a: yes, b: yes, c: no, d: no }, verdict: 'lost' },
  { voters: ['a', 'b', 'c'], outgoing: ['c', 'd', 'e'], votes: { a: yes, b: yes, c: yes }, verdict: 'open' },
  { voters: ['a', 'b', 'c'], outgoing: ['c', 'd', 'e'], votes: { a: yes, c: yes, d: yes }, verdict: 'won' },
  {
    voters: ['a', 'b', 'c'],
    outgoing: ['c', 'd', 'e'],
    votes: { a: yes, b: yes, d: no, e: no },
    verdict: 'lost',
  },
])('votes $votes of $voters and $outgoing: $verdict', ({ voters, outgoing = null, votes, verdict }) => {
  expect(tally({ voters, outgoing }, new Map(Object.entries(votes)))).toBe(verdict);
});

test('a stranger is part of no quorum', () => {
  const heard = new Set(['a', 'x', 'y']);
  expect(isQuorum({ voters: ['a', 'b', 'c'], outgoing: null }, (id) => heard.has(id))).toBe(false);
});

test('a quorum of nobody is never asked for', () => {
  expect(() => reachedByQuorum({ voters: [], outgoing: null }, () => 1)).toThrow('at least one voter');
});
