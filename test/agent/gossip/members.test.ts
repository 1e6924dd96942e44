import { expect, test } from 'vitest';
import { ageOf, law, Members, ownLaw } from '../../../agent/gossip/members.ts';
import { Records } from '../../../agent/gossip/records.ts';
import { SeededRandom } from '../../sim/random.ts';
import { aliveOf } from './stage.ts';

function table(names: readonly string[]) {
  const records = new Records({ defaultPort: 8301 });
  const members = new Members(new SeededRandom('members'));
  const known = names.map((name) => records.intern(aliveOf(name))!);
  for (const record of known) members.announce(record, 1, 0);
  return { members, known };
}

test('old news never counts, whatever it says', () => {
  for (const byNews of [...Object.values(law), ...Object.values(ownLaw)]) {
    for (const byAge of Object.values(byNews)) expect(byAge.older).toBe('ignore');
  }
});

test('only a greater incarnation brings back the suspect, the dead and the left', () => {
  for (const belief of ['suspect', 'dead', 'left'] as const) {
    expect(law[belief].alive).toEqual({ older: 'ignore', same: 'ignore', newer: 'believe' });
  }
});

test('at the same incarnation bad news wins, and nobody dies twice', () => {
  expect(law.alive.suspect.same).toBe('believe');
  expect(law.suspect.suspect.same).toBe('confirm');
  expect(law.suspect.dead.same).toBe('believe');
  for (const news of ['suspect', 'dead', 'left'] as const) {
    expect(law.unknown[news].newer).toBe('ignore');
    expect(law.dead[news].newer).toBe('ignore');
    expect(law.left[news].newer).toBe('ignore');
  }
});

test('every accusation is refuted until we are gone, except the goodbye that is our own', () => {
  for (const news of ['suspect', 'dead', 'left'] as const) expect(ownLaw.present[news].same).toBe('refute');
  expect(ownLaw.leaving.dead.same).toBe('believe');
  expect(ownLaw.leaving.suspect.same).toBe('refute');
  expect(ownLaw.gone.suspect.newer).toBe('ignore');
});

test('age is counted by incarnation', () => {
  expect([ageOf(1, 2), ageOf(2, 2), ageOf(3, 2)]).toEqual(['older', 'same', 'newer']);
});

test('room that was made beforehand changes nothing', () => {
  const { members, known } = table(['a', 'b']);
  members.reserve(1_000);
  members.reserve(1);
  expect(known.map(({ number }) => members.belief(number))).toEqual(['alive', 'alive']);
  expect(members.belief(999)).toBe('unknown');
  expect(members.count).toBe(2);
});

test('beliefs, incarnations and moments are kept for each member', () => {
  const { members, known } = table(['a', 'b']);
  const { number } = known[0]!;
  members.mark(number, 'suspect', 4, 70);
  const { belief, incarnation, sinceMs } = {
    belief: members.belief(number),
    incarnation: members.incarnation(number),
    sinceMs: members.sinceMs(number),
  };
  expect([belief, incarnation, sinceMs]).toEqual(['suspect', 4, 70]);
  members.mark(number, 'suspect', 5, 90);
  expect(members.sinceMs(number)).toBe(70);
  expect(members.aliveCount).toBe(1);
  members.announce(known[0]!, 6, 100);
  expect([members.belief(number), members.sinceMs(number), members.aliveCount]).toEqual(['alive', 100, 2]);
});

test('what is forgotten is unknown again, and the others keep their order', () => {
  const { members, known } = table(['a', 'b', 'c', 'd', 'e']);
  const gone = known[1]!;
  members.mark(gone.number, 'dead', 7, 0);
  const before = [...members.order];
  const forgotten = members.forget((number) => members.belief(number) === 'dead');
  expect(forgotten).toEqual([{ record: gone, incarnation: 7 }]);
  expect([...members.order]).toEqual(before.filter((number) => number !== gone.number));
  expect([members.belief(gone.number), members.incarnation(gone.number)]).toEqual(['unknown', 0]);
  expect(() => members.record(gone.number)).toThrow('not known');
  expect([members.count, members.aliveCount]).toEqual([4, 4]);
});

test('newcomers get a random place, and shuffling loses nobody', () => {
  const { members } = table(Array.from({ length: 40 }, (_, index) => `n${index}`));
  const sorted = (order: Iterable<number>) => [...order].sort((a, b) => a - b);
  expect([...members.order]).not.toEqual(sorted(members.order));
  const before = [...members.order];
  members.shuffle();
  expect([...members.order]).not.toEqual(before);
  expect(sorted(members.order)).toEqual(sorted(before));
});

test('picking finds different members that fit, and gives up where there are none', () => {
  const { members, known } = table(['a', 'b', 'c', 'd', 'e', 'f']);
  const odd = members.pick(2, (number) => number % 2 === 1);
  expect(new Set(odd).size).toBe(2);
  expect(odd.every((number) => number % 2 === 1)).toBe(true);
  expect(members.pick(3, () => false)).toEqual([]);
  expect(members.pick(50, (number) => number !== known[0]!.number).length).toBeLessThanOrEqual(5);
});
