import { beforeEach, expect, test } from 'vitest';
import type { HealthEvent } from '../../../proto/schema/event.ts';
import { draftEvent } from '../../../proto/schema/event-draft.ts';
import { Findings } from './findings.ts';
import { Ledger } from './ledger.ts';
import { ListenerChecker } from './listener.ts';
import { TransitionsChecker } from './transitions.ts';
import { ValuesChecker } from './values.ts';

let findings: Findings;
let ledger: Ledger;

beforeEach(() => {
  findings = new Findings();
  ledger = new Ledger(findings);
});

const rules = () => findings.list.map(({ rule }) => rule);

function event(offset: number, From: string, To: string, fields: Partial<HealthEvent> = {}): HealthEvent {
  const draft = draftEvent({ Kind: 'check.changed', Node: 'web-1', Check: 'http', From, To });
  const Time = new Date(1_000_000 * offset).toISOString();
  return { ...draft, Schema: 1, Offset: offset, Time, ...fields };
}

test('servers that apply the same agree', () => {
  ledger.applied('a', [event(1, '', 'passing'), event(2, 'passing', 'critical')]);
  ledger.applied('b', [event(1, '', 'passing')]);
  ledger.applied('b', [event(2, 'passing', 'critical')]);
  expect([ledger.last, findings.list]).toEqual([2, []]);
});

test('another event under a number that was given', () => {
  ledger.applied('a', [event(1, '', 'passing')]);
  ledger.applied('b', [event(1, '', 'critical')]);
  expect(rules()).toEqual(['event log']);
});

test('a number is left out', () => {
  ledger.applied('a', [event(2, '', 'passing')]);
  expect(rules()).toEqual(['event log']);
});

test('times run backwards', () => {
  const Time = new Date(0).toISOString();
  ledger.applied('a', [event(1, '', 'passing'), event(2, 'passing', 'critical', { Time })]);
  expect(rules()).toEqual(['event log']);
});

test('the chain of a check breaks', () => {
  ledger.applied('a', [event(1, '', 'passing'), event(2, 'warning', 'critical')]);
  expect(rules()).toEqual(['unbroken chain']);
});

test('a node that left takes its checks with it', () => {
  const left = event(2, 'alive', 'left', { Kind: 'node.left', Check: '' });
  ledger.applied('a', [event(1, '', 'passing'), left, event(3, '', 'critical')]);
  expect(rules()).toEqual([]);
});

test('a listener hears everything, over gaps that it is told of', () => {
  ledger.applied(
    'a',
    [1, 2, 3, 4].map((n) => event(n, n === 1 ? '' : `${n - 1}`, `${n}`)),
  );
  const listener = new ListenerChecker(findings, ledger, 'listener');
  listener.receive({ Gap: { From: 1, To: 2, Reason: 'gone' } });
  listener.receive(ledger.events[2]!);
  listener.receive({ Position: 3 });
  listener.receive(ledger.events[3]!);
  expect([listener.at, listener.events, listener.gaps, findings.list]).toEqual([4, 2, 1, []]);
});

test.each<[string, string, (listener: ListenerChecker) => void]>([
  ['misses an event', 'listener', (listener) => listener.receive(ledger.events[1]!)],
  [
    'hears one twice',
    'listener',
    (listener) => {
      listener.receive(ledger.events[0]!);
      listener.receive(ledger.events[0]!);
    },
  ],
  ['hears what is not in the log', 'event log', (listener) => listener.receive(event(1, '', 'warning'))],
  [
    'is told of a gap that leaves out more',
    'listener',
    (listener) => listener.receive({ Gap: { From: 2, To: 2, Reason: '' } }),
  ],
  ['is said to be further than it is', 'listener', (listener) => listener.receive({ Position: 2 })],
  [
    'is told of an error',
    'listener',
    (listener) => listener.receive({ Error: { Code: 'PROTOCOL', Message: '' } }),
  ],
])('a listener %s', (_, rule, hear) => {
  ledger.applied('a', [event(1, '', 'passing'), event(2, 'passing', 'critical')]);
  hear(new ListenerChecker(findings, ledger, 'listener'));
  expect(rules()).toEqual([rule]);
});

const written = (offset: number, value: string) =>
  event(offset, '', value, { Node: 'ext-1', Check: 'value', Kind: 'check.changed' });

test('values: written once, acknowledged, read', () => {
  const values = new ValuesChecker(findings);
  values.read('ext-1', null, 3);
  values.invoked('x');
  values.entered(written(4, 'x'));
  values.acknowledged('ext-1', 'x', 4);
  values.read('ext-1', 'x', 5);
  values.read('ext-1', null, 3);
  values.invoked('y');
  values.refused('y');
  expect(findings.list).toEqual([]);
});

test('values: the same one again, by an operation of its own', () => {
  const values = new ValuesChecker(findings);
  for (const value of ['x', 'y', 'x']) values.invoked(value);
  for (const [at, value] of ['x', 'y', 'x'].entries()) values.entered(written(at + 1, value));
  values.acknowledged('ext-1', 'x', 3);
  expect(findings.list).toEqual([]);
  values.entered(written(4, 'x'));
  expect(rules()).toEqual(['exactly once']);
});

test.each<[string, string, (values: ValuesChecker) => void]>([
  [
    'a value stands in the log twice',
    'exactly once',
    (values) => {
      values.invoked('x');
      values.entered(written(1, 'x'));
      values.entered(written(9, 'x'));
    },
  ],
  [
    'an acknowledged value is not in the log',
    'acknowledged',
    (values) => values.acknowledged('ext-1', 'x', 5),
  ],
  [
    'a value is acknowledged again and was not written again',
    'acknowledged',
    (values) => {
      for (const value of ['x', 'y', 'x']) values.invoked(value);
      values.entered(written(1, 'x'));
      values.entered(written(2, 'y'));
      values.acknowledged('ext-1', 'x', 2);
    },
  ],
  [
    'a refused value is in the log',
    'exactly once',
    (values) => {
      values.invoked('x');
      values.refused('x');
      values.entered(written(1, 'x'));
    },
  ],
  [
    'a value that is in the log is refused',
    'exactly once',
    (values) => {
      values.invoked('x');
      values.entered(written(1, 'x'));
      values.refused('x');
    },
  ],
  [
    'the catalog says something else than the events before',
    'catalog and events agree',
    (values) => {
      for (const value of ['x', 'y']) values.invoked(value);
      values.entered(written(1, 'x'));
      values.entered(written(2, 'y'));
      values.read('ext-1', 'x', 2);
    },
  ],
])('%s', (_, rule, act) => {
  act(new ValuesChecker(findings));
  expect(rules()).toEqual([rule]);
});

const told = (offset: number, Revision: number, Output: string) =>
  event(offset, '', 'critical', { Revision, Output });

test('transitions: each one once and in order, over a crash that forgets the last', () => {
  const transitions = new TransitionsChecker(findings, 'web-1');
  transitions.observed(1, 'first');
  transitions.observed(2, 'second');
  transitions.entered(told(1, 1, 'first'));
  transitions.reopened(1);
  transitions.observed(2, 'second again');
  transitions.entered(told(2, 2, 'second again'));
  transitions.finish();
  expect([transitions.count, findings.list]).toEqual([2, []]);
});

test.each<[string, string, (transitions: TransitionsChecker) => void]>([
  ['is lost', 'transitions', (transitions) => transitions.finish()],
  [
    'is told twice',
    'transitions',
    (transitions) => {
      transitions.entered(told(1, 1, 'first'));
      transitions.entered(told(2, 1, 'first'));
    },
  ],
  ['is overtaken', 'transitions', (transitions) => transitions.entered(told(1, 2, 'second'))],
  [
    'was handed out and is forgotten in a crash',
    'journal',
    (transitions) => {
      transitions.entered(told(1, 1, 'first'));
      transitions.reopened(0);
    },
  ],
])('a transition %s', (_, rule, act) => {
  const transitions = new TransitionsChecker(findings, 'web-1');
  transitions.observed(1, 'first');
  transitions.observed(2, 'second');
  act(transitions);
  expect(rules()[0]).toBe(rule);
});
