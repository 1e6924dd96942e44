import { expect, test } from 'vitest';
import { Story } from '../../server/story.ts';
import { Findings } from './findings.ts';
import { hashOfState, StateChecker } from './state.ts';

test('states that came of the same commands are equal, and others are not', () => {
  const [one, other, third] = [new Story(), new Story(), new Story()];
  for (const story of [one, other]) story.alive('web-1');
  third.alive('web-2');
  expect(hashOfState(one.fsm)).toBe(hashOfState(other.fsm));
  expect(hashOfState(one.fsm)).not.toBe(hashOfState(third.fsm));
});

test('a server that computes something else is found: by its state, and by what an entry did', () => {
  const findings = new Findings();
  const checker = new StateChecker(findings, 1);
  const [one, other] = [new Story(), new Story()];
  one.alive('web-1');
  other.alive('web-2');
  checker.compareState('a', one.fsm);
  checker.compareState('b', other.fsm);
  const outcome = { index: 1, offset: 0, refused: null, revision: 0, repairs: 0 };
  checker.applied('a', 7, { outcome, events: [], firstKept: null, gap: null }, new Story().fsm);
  checker.applied(
    'b',
    7,
    { outcome: { ...outcome, repairs: 1 }, events: [], firstKept: null, gap: null },
    new Story().fsm,
  );
  expect(findings.list.map(({ text }) => text)).toEqual([
    'b at entry 1: the whole state is not what another server has',
    'b at entry 7: what it did is not what another server has',
  ]);
});

test('only the first findings are kept', () => {
  const findings = new Findings();
  for (let n = 0; n < 100; n++) findings.check(n < 50, 'rule', () => `${n}`);
  expect(findings.none).toBe(false);
  expect(findings.list[0]).toEqual({ rule: 'rule', text: '50' });
  expect(findings.list.length).toBeLessThanOrEqual(10);
});
