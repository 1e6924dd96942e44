import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  atOnce,
  becomeStale,
  type CheckState,
  newState,
  type ResultStatus,
  receiveResult,
  shiftState,
  type Thresholds,
} from '../../checks/check.ts';
import type { CheckStatus } from '../../proto/schema/status.ts';

const letters = { p: 'passing', w: 'warning', c: 'critical' } as const;

/** Statuses after each result of `p c c …`, as first letters. */
function follow(results: string, thresholds: Partial<Thresholds>, from = newState(0)): string {
  let state = from;
  const seen: string[] = [];
  for (const [index, letter] of [...results.replaceAll(' ', '')].entries()) {
    const rule = { ...atOnce, ...thresholds };
    state = receiveResult(state, rule, letters[letter as keyof typeof letters], index + 1);
    seen.push(state.status[0]!);
  }
  return seen.join(' ');
}

test('without thresholds the status is the result', () => {
  expect(follow('p w c p c w p', {})).toBe('p w c p c w p');
});

test('a check that fails three times in a row is critical, one bad second is not', () => {
  expect(follow('p c c p c c c c', { failuresBeforeCritical: 3, failuresBeforeWarning: 3 })).toBe(
    'p p p p p p c c',
  );
});

test('it is warning on the way to critical where failures_before_warning says so', () => {
  expect(follow('p c c c c', { failuresBeforeCritical: 4, failuresBeforeWarning: 2 })).toBe('p p w w c');
});

test('it is passing again after as many good results, and a bad one begins the count anew', () => {
  expect(follow('c p p c p p p', { successBeforePassing: 3 })).toBe('c c c c c c p');
});

test('the first result counts at once, whatever the thresholds say (as recorded from Consul)', () => {
  const slow = { successBeforePassing: 3, failuresBeforeCritical: 3, failuresBeforeWarning: 3 };
  expect(follow('p', slow)).toBe('p');
  expect(follow('c', slow)).toBe('c');
  expect(follow('c', slow, newState(0, 'passing'))).toBe('c');
});

test('a warning is shown at once, unless the check is still critical', () => {
  expect(follow('p w', { failuresBeforeWarning: 5, failuresBeforeCritical: 5 })).toBe('p w');
  expect(follow('c w w w', { successBeforePassing: 3 })).toBe('c c c w');
});

test('a warning counts towards passing, as in Consul', () => {
  expect(follow('c w w p', { successBeforePassing: 3 })).toBe('c c c p');
});

test('a critical result never makes a status better', () => {
  expect(
    follow('c p c', { successBeforePassing: 2, failuresBeforeCritical: 5, failuresBeforeWarning: 1 }),
  ).toBe('c c c');
});

/** Every status met with every result, one result being enough: a forgotten pair does not compile. */
const table: Record<CheckStatus, Record<ResultStatus, CheckStatus>> = {
  pending: { passing: 'passing', warning: 'warning', critical: 'critical' },
  passing: { passing: 'passing', warning: 'warning', critical: 'critical' },
  warning: { passing: 'passing', warning: 'warning', critical: 'critical' },
  critical: { passing: 'passing', warning: 'warning', critical: 'critical' },
  stale: { passing: 'passing', warning: 'warning', critical: 'critical' },
};

/** The same when two results in a row are wanted for everything, and there was none of this kind before. */
const hesitant: Record<CheckStatus, Record<ResultStatus, CheckStatus>> = {
  pending: { passing: 'passing', warning: 'warning', critical: 'critical' },
  passing: { passing: 'passing', warning: 'warning', critical: 'passing' },
  warning: { passing: 'warning', warning: 'warning', critical: 'warning' },
  critical: { passing: 'critical', warning: 'critical', critical: 'critical' },
  stale: { passing: 'passing', warning: 'warning', critical: 'critical' },
};

const two: Thresholds = { successBeforePassing: 2, failuresBeforeWarning: 2, failuresBeforeCritical: 2 };

test.each(Object.keys(table) as CheckStatus[])('%s follows each result by the table', (status) => {
  const state: CheckState = { ...newState(0, status), result: 'passing', resultAtMs: 0 };
  for (const result of Object.keys(table[status]) as ResultStatus[]) {
    expect(receiveResult(state, atOnce, result, 1).status).toBe(table[status][result]);
    expect(receiveResult(state, two, result, 1).status).toBe(hesitant[status][result]);
  }
});

test('the time of change is that of the last change, not of the last result', () => {
  let state = receiveResult(newState(0), atOnce, 'passing', 10);
  state = receiveResult(state, atOnce, 'passing', 20);
  expect(state).toMatchObject({ changedAtMs: 10, resultAtMs: 20 });
});

test('what was known for too long turns stale, and the next result counts at once', () => {
  const passing = receiveResult(newState(0), two, 'passing', 10);
  const stale = becomeStale(passing, 500);
  expect(stale).toMatchObject({ status: 'stale', changedAtMs: 500, resultAtMs: 10 });
  expect(receiveResult(stale, two, 'critical', 600).status).toBe('critical');
  expect(becomeStale(stale, 700)).toBe(stale);
});

test('a check without a result cannot turn stale', () => {
  const pending = newState(0);
  expect(becomeStale(pending, 500)).toBe(pending);
});

test('a state moves to another clock with its ages', () => {
  const state = receiveResult(newState(0), atOnce, 'critical', 1_000);
  expect(shiftState(state, -900)).toMatchObject({ changedAtMs: 100, resultAtMs: 100, status: 'critical' });
  expect(shiftState(newState(50), 10)).toMatchObject({ changedAtMs: 60, resultAtMs: null });
});

const results = fc.array(fc.constantFrom<ResultStatus>('passing', 'warning', 'critical'), { maxLength: 60 });
const rules = fc
  .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
  .map(([successBeforePassing, a, b]) => ({
    successBeforePassing,
    failuresBeforeWarning: Math.min(a, b),
    failuresBeforeCritical: Math.max(a, b),
  }));

test('whatever happened before, enough equal results decide the status', () => {
  fc.assert(
    fc.property(
      results,
      rules,
      fc.constantFrom<ResultStatus>('passing', 'warning', 'critical'),
      (past, rule, last) => {
        let state = past.reduce(
          (state, result, index) => receiveResult(state, rule, result, index),
          newState(0),
        );
        for (let i = 0; i < 5; i++) state = receiveResult(state, rule, last, 100 + i);
        expect(state.status).toBe(last);
      },
    ),
  );
});

test('fewer bad results in a row than wanted never make a passing check critical', () => {
  fc.assert(
    fc.property(rules, (rule) => {
      let state = receiveResult(newState(0), rule, 'passing', 0);
      for (let i = 1; i < rule.failuresBeforeCritical; i++) {
        state = receiveResult(state, rule, 'critical', i);
        expect(state.status).not.toBe('critical');
      }
    }),
  );
});
