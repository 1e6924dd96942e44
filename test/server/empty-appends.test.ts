import { beforeEach, expect, test } from 'vitest';
import type { AppendRequest, RaftMessage } from '../../proto/raft.ts';
import { EmptyAppends } from '../../server/empty-appends.ts';
import { VirtualClock } from '../sim/clock.ts';

let clock: VirtualClock;
let sent: string[];
let appends: EmptyAppends;

function append(commit: number, entries = 0): AppendRequest {
  const data = new Uint8Array();
  const entry = { index: 8, term: 1, kind: 'command' as const, data };
  const position = { prevIndex: 7, prevTerm: 1, entries: new Array(entries).fill(entry) };
  return { type: 'append', from: 'a', to: 'b', term: 1, commit, ...position };
}

const heartbeat: RaftMessage = { type: 'heartbeat', from: 'a', to: 'b', term: 1, commit: 7, round: 3 };

function told(message: RaftMessage): string {
  return message.type === 'append' ? `${message.entries.length} up to ${message.commit}` : message.type;
}

beforeEach(() => {
  clock = new VirtualClock();
  sent = [];
  appends = new EmptyAppends(clock, (to, batch) => sent.push(`${to}: ${batch.map(told).join(', ')}`));
});

test('one without entries waits for a moment, and only the newest of them leaves', () => {
  appends.send('b', [append(4)]);
  appends.send('c', [append(4)]);
  appends.send('b', [append(5)]);
  expect(sent).toEqual([]);
  clock.runFor(5);
  expect(sent).toEqual(['b: 0 up to 5', 'c: 0 up to 4']);
  clock.runFor(100);
  expect(sent).toHaveLength(2);
});

test('it is dropped when another append says the same', () => {
  appends.send('b', [append(4)]);
  appends.send('b', [append(4, 2)]);
  appends.send('b', [append(5)]);
  appends.send('b', [heartbeat, append(5)]);
  clock.runFor(100);
  expect(sent).toEqual(['b: 2 up to 4', 'b: heartbeat, 0 up to 5']);
});

test('everything else leaves at once and takes nothing along', () => {
  appends.send('b', [append(4)]);
  appends.send('b', [heartbeat]);
  expect(sent).toEqual(['b: heartbeat']);
  clock.runFor(5);
  expect(sent).toEqual(['b: heartbeat', 'b: 0 up to 4']);
});

test('a role that has ended says nothing more, and the next one begins afresh', () => {
  appends.send('b', [append(4)]);
  appends.drop();
  clock.runFor(100);
  expect(sent).toEqual([]);
  appends.send('b', [append(6)]);
  clock.runFor(5);
  expect(sent).toEqual(['b: 0 up to 6']);
});
