import { expect, test } from 'vitest';
import { wallStartMs } from '../../../sim/clock.ts';
import { stage } from '../stage.ts';

test('a member is shown as Serf and the failure detector see it together', () => {
  const { clock, meet, parts } = stage();
  const { number } = meet('web', { incarnation: 4, tags: { id: 'x' } });
  clock.runFor(2_000);
  parts.members.mark(number, 'suspect', 4, parts.deadlines.nowMs());
  expect(parts.roll.member(number)).toEqual({
    name: 'web',
    address: parts.members.record(number).endpoint,
    tags: { id: 'x' },
    state: 'suspect',
    incarnation: 4,
    sinceMs: wallStartMs + 2_000,
    vsn: [1, 5, 2, 2, 5, 5],
  });
  parts.roll.setStatus(number, 'leaving');
  expect(parts.roll.member(number).state).toBe('leaving');
});

test('the roll remembers whom the failure detector has forgotten', () => {
  const { meet, parts } = stage();
  const { number } = meet('web', { incarnation: 4 });
  parts.members.mark(number, 'dead', 4, 0);
  parts.roll.setStatus(number, 'failed');
  const [forgotten] = parts.members.forget((other) => other === number);
  parts.roll.onForgotten(forgotten!);
  expect(parts.roll.member(number)).toMatchObject({ name: 'web', state: 'failed', incarnation: 4 });
  expect(parts.roll.numberOf('web')).toBe(number);
  expect([...parts.roll.failed]).toEqual([number]);

  parts.roll.erase(number);
  expect(parts.roll.numberOf('web')).toBeUndefined();
  expect(parts.records.numberOf('web')).toBeUndefined();
  expect(() => parts.roll.member(number)).toThrow('not on the roll');
});

test('a name is given back only when neither of the two holds it', () => {
  const { meet, parts } = stage();
  const { number } = meet('web');
  parts.roll.setStatus(number, 'left');
  parts.roll.erase(number);
  expect(parts.records.numberOf('web')).toBe(number);
  const [forgotten] = parts.members.forget((other) => other === number);
  parts.roll.onForgotten(forgotten!);
  expect(parts.records.numberOf('web')).toBeUndefined();
});

test('everybody is in at most one list', () => {
  const { meet, parts } = stage();
  const { roll } = parts;
  const { number } = meet('web');
  for (const [status, lists] of [
    ['leaving', [1, 0, 0]],
    ['left', [0, 1, 0]],
    ['failed', [0, 0, 1]],
    ['alive', [0, 0, 0]],
  ] as const) {
    roll.setStatus(number, status);
    expect([roll.leaving.size, roll.left.size, roll.failed.size]).toEqual(lists);
  }
  expect(roll.count).toBe(2);
});

test('one that left and is said to join is not told to others as left', () => {
  const { meet, parts } = stage();
  const { number } = meet('web');
  parts.roll.setStatus(number, 'left');
  expect(parts.roll.isLeftForGood(number)).toBe(true);
  parts.roll.setJoining(number, 9);
  expect(parts.roll.isLeftForGood(number)).toBe(false);
  expect(parts.roll.status(number)).toBe('left');
  parts.roll.setStatus(number, 'alive');
  parts.roll.setStatus(number, 'left');
  expect(parts.roll.isLeftForGood(number)).toBe(true);
});
