import { expect, test } from 'vitest';
import {
  beginOf,
  confirmedOf,
  entryOf,
  JournalState,
  type LostRecord,
  lostOf,
} from '../../agent/journal-state.ts';
import type { LogRecord } from '../../proto/store/record.ts';

function entry(revision: number): LogRecord {
  return entryOf({ kind: 'check.remove', revision, observedAtMs: 1000, check: 'http' });
}

function lost(revision: number, count: number): LostRecord {
  return { kind: 'lost', revision, count, observedAtMs: 2000, sinceMs: 1000 };
}

function stateOf(...records: LogRecord[]): JournalState {
  const state = new JournalState();
  for (const [at, record] of records.entries()) state.apply({ ...record, position: at + 1 });
  return state;
}

function waiting(state: JournalState): number[] {
  return state.waiting.map(({ record }) => record.revision);
}

test('what is neither confirmed nor dropped waits, with its place and its bytes', () => {
  const state = stateOf(beginOf('j'), entry(1), entry(2), entry(3), confirmedOf(1));
  expect(state.head).toEqual({ id: 'j', last: 3, confirmed: 1, lost: null });
  expect(waiting(state)).toEqual([2, 3]);
  expect(state.waiting[0]!.position).toBe(3);
  expect(state.bytes).toBe(entry(2).body.length + entry(3).body.length);
});

test('what was dropped is known until it is confirmed', () => {
  const state = stateOf(beginOf('j'), entry(1), entry(2), entry(3), lostOf(lost(2, 2)));
  expect([state.head.lost?.count, waiting(state)]).toEqual([2, [3]]);
  state.apply({ ...confirmedOf(1), position: 9 });
  expect(state.head.lost?.count).toBe(2);
  state.apply({ ...confirmedOf(2), position: 10 });
  expect(state.head).toMatchObject({ lost: null, confirmed: 2 });
});

test('a new journal voids everything before it', () => {
  const state = stateOf(beginOf('j'), entry(1), entry(2), beginOf('k'), entry(1));
  expect([state.head, waiting(state)]).toEqual([{ id: 'k', last: 1, confirmed: 0, lost: null }, [1]]);
});

test('a head stands for what came before, and only the first one counts', () => {
  const before = stateOf(beginOf('j'), entry(1), entry(2), confirmedOf(2));
  const makeHead = before.encodeHead();
  before.apply({ ...entry(3), position: 5 });
  const state = new JournalState();
  state.begin(makeHead());
  state.apply({ ...entry(3), position: 5 });
  state.begin(new JournalState().encodeHead()());
  expect(state.head).toEqual({ id: 'j', last: 3, confirmed: 2, lost: null });
});

test('records that are not dense are a bug, unknown ones need a newer program', () => {
  expect(() => stateOf(beginOf('j'), entry(2))).toThrow('dense');
  expect(() => stateOf({ type: 77, body: new Uint8Array(0) })).toThrow('newer version');
});
