import { expect, test } from 'vitest';
import { RaftLog } from '../../../server/raft/log.ts';
import { diskOf, entriesOf, type MemoryLog, membershipOf } from './harness.ts';

function logOf(terms: readonly number[], { commit = 0, applied = 0 } = {}) {
  const disk = diskOf(terms);
  return { disk, log: new RaftLog(disk, { commit, applied }) };
}

function appendTerms(log: RaftLog, ...terms: number[]): void {
  for (const entry of entriesOf(terms, log.lastIndex + 1)) log.append(entry);
}

/** Hands out a write and lets the disk finish it. */
function writeThrough(disk: MemoryLog, log: RaftLog): void {
  const write = log.takeWrite(null, 0);
  disk.write(write);
  log.stored(write.token);
}

test('the stored part and the tail are one log', () => {
  const { log } = logOf([1, 1, 2]);
  appendTerms(log, 2, 3);
  expect([log.lastIndex, log.lastTerm, log.storedIndex]).toEqual([5, 3, 3]);
  expect([0, 1, 3, 4, 5, 6].map((index) => log.term(index))).toEqual([0, 1, 2, 2, 3, undefined]);
  const all = log.slice(2, 6, 1000);
  expect(all).toEqual(entriesOf([1, 1, 2, 2, 3]).slice(1));
  expect(log.slice(6, 9, 1000)).toEqual([]);
});

test('a slice is cut at the limit in bytes, wherever that falls, and has at least one entry', () => {
  const { log } = logOf([1, 1, 1]);
  appendTerms(log, 1, 1, 1);
  const each = 32 + '1@1'.length;
  for (const [bytesMax, count] of [
    [0, 1],
    [each, 1],
    [2 * each, 2],
    [3 * each, 3],
    [4 * each, 4],
    [5 * each + 1, 5],
    [99 * each, 6],
  ] as const) {
    expect(log.slice(1, 7, bytesMax)).toHaveLength(count);
  }
  expect(log.slice(5, 7, 0)).toHaveLength(1);
});

test.each([
  { lastIndex: 3, lastTerm: 2, yes: true },
  { lastIndex: 9, lastTerm: 2, yes: true },
  { lastIndex: 2, lastTerm: 2, yes: false },
  { lastIndex: 9, lastTerm: 1, yes: false },
  { lastIndex: 1, lastTerm: 3, yes: true },
  { lastIndex: 0, lastTerm: 0, yes: false },
])('a log that ends with $lastIndex of term $lastTerm is at least as complete: $yes (5.4.1)', (row) => {
  const { log } = logOf([1, 1, 2]);
  expect(log.isUpToDate(row.lastIndex, row.lastTerm)).toBe(row.yes);
});

test('an empty log is as complete as another empty one', () => {
  expect(logOf([]).log.isUpToDate(0, 0)).toBe(true);
});

test.each([
  [6, 4, 6],
  [9, 4, 6],
  [6, 3, 4],
  [6, 2, 4],
  [5, 1, 2],
  [6, 0, 0],
])('in 1 1 2 2 4 4 the last index up to %i not after term %i is %i', (index, term, found) => {
  expect(logOf([1, 1, 2, 2, 4, 4]).log.lastIndexNotAfter(index, term)).toBe(found);
});

test('each write carries what the one before did not, and a cut that the disk must know', () => {
  const { log } = logOf([1, 1, 1]);
  appendTerms(log, 1);
  expect(log.takeWrite(null, 0)).toMatchObject({ token: 1, cutFrom: null, entries: [{ index: 4 }] });
  expect(log.hasUnwritten).toBe(false);
  log.cut(3);
  expect(log.hasUnwritten).toBe(true);
  appendTerms(log, 2);
  const hardState = { term: 2, vote: null, commit: 0 };
  expect(log.takeWrite(hardState, 0)).toEqual({
    token: 2,
    cutFrom: 3,
    entries: entriesOf([2], 3),
    hardState,
  });
});

test('what was never handed out is cut without the disk', () => {
  const { log } = logOf([1]);
  appendTerms(log, 1, 1);
  log.cut(3);
  expect(log.takeWrite(null, 0)).toMatchObject({ cutFrom: null, entries: [{ index: 2 }] });
});

test('nothing at or below the commit is cut', () => {
  const { log } = logOf([1, 1, 1], { commit: 2 });
  expect(() => log.cut(2)).toThrow('committed');
  log.cut(3);
  expect(log.lastIndex).toBe(2);
});

test('a write that ends late does not vouch for what was overwritten in the meantime', () => {
  const { disk, log } = logOf([1]);
  appendTerms(log, 1, 1, 1);
  const first = log.takeWrite(null, 0);
  log.cut(3);
  appendTerms(log, 2);
  const second = log.takeWrite(null, 0);
  disk.write(first);
  log.stored(first.token);
  expect(log.storedIndex).toBe(2);
  disk.write(second);
  log.stored(second.token);
  expect([log.storedIndex, log.lastTerm]).toEqual([3, 2]);
});

test('A, B, A: an entry that was cut and came back is durable only with its last write', () => {
  const { log } = logOf([1]);
  appendTerms(log, 1);
  const first = log.takeWrite(null, 0);
  log.cut(2);
  appendTerms(log, 2);
  log.takeWrite(null, 0);
  log.cut(2);
  appendTerms(log, 1);
  const third = log.takeWrite(null, 0);
  log.stored(first.token);
  expect(log.storedIndex).toBe(1);
  log.stored(third.token);
  expect(log.storedIndex).toBe(2);
});

test('one report may stand for several writes, and brings the newest term and vote', () => {
  const { log } = logOf([]);
  const hardState = { term: 3, vote: 'b', commit: 0 };
  log.takeWrite({ term: 2, vote: null, commit: 0 }, 0);
  log.takeWrite(hardState, 0);
  appendTerms(log, 3);
  const last = log.takeWrite(null, 0);
  expect(log.stored(last.token)).toEqual(hardState);
  expect(log.stored(last.token)).toBeNull();
  expect(() => log.stored(99)).toThrow('handed out');
});

test('the age of the oldest write shows a disk that hangs', () => {
  const { log } = logOf([]);
  expect(log.oldestWriteAge(7)).toBe(0);
  const { token } = log.takeWrite(null, 7);
  log.takeWrite(null, 12);
  expect(log.oldestWriteAge(15)).toBe(8);
  log.stored(token);
  expect(log.oldestWriteAge(15)).toBe(3);
});

test('the state machine gets what is committed and on our disk, once, one batch at a time', () => {
  const { disk, log } = logOf([1, 1]);
  appendTerms(log, 1, 1);
  log.commitTo(4);
  expect(log.takeCommitted(40).map(({ index }) => index)).toEqual([1]);
  expect(log.takeCommitted(1000)).toEqual([]);
  log.appliedTo(1);
  expect(log.takeCommitted(1000).map(({ index }) => index)).toEqual([2]);
  log.appliedTo(2);
  expect(log.takeCommitted(1000)).toEqual([]);
  writeThrough(disk, log);
  expect(log.takeCommitted(1000).map(({ index }) => index)).toEqual([3, 4]);
  expect(() => log.appliedTo(5)).toThrow('handed to the state machine');
});

test('committed entries that must be read from disk first come later', () => {
  const { disk, log } = logOf([1, 1], { commit: 2 });
  disk.coldTo = 1;
  expect(log.takeCommitted(1000)).toEqual([]);
  disk.coldTo = 0;
  expect(log.takeCommitted(1000)).toHaveLength(2);
});

test('commit never falls and never runs ahead of the log', () => {
  const { log } = logOf([1, 1]);
  log.commitTo(2);
  log.commitTo(1);
  expect(log.commit).toBe(2);
  expect(() => log.commitTo(3)).toThrow('within the log');
});

test('entries follow one another, and terms never fall', () => {
  const { log } = logOf([1, 2]);
  expect(() => log.append(entriesOf([2], 4)[0]!)).toThrow('follows');
  expect(() => log.append(entriesOf([1], 3)[0]!)).toThrow('terms never fall');
});

test('a snapshot takes the place of everything; writes under way vouch for nothing any more', () => {
  const { disk, log } = logOf([1, 1, 1], { commit: 1 });
  appendTerms(log, 1, 1, 1, 1, 1, 1, 1, 1, 1);
  const { token } = log.takeWrite(null, 0);
  const meta = { index: 9, term: 4, membership: membershipOf(['a']), membershipIndex: 1 };
  expect(() => log.reset(meta)).toThrow('the disk holds the snapshot');
  disk.install(meta, 0);
  log.reset(meta);
  log.stored(token);
  expect(log).toMatchObject({ lastIndex: 9, lastTerm: 4, storedIndex: 9, commit: 9, applied: 9 });
  appendTerms(log, 4);
  expect(log.takeWrite(null, 0)).toMatchObject({ cutFrom: null, entries: [{ index: 10 }] });
});

test('a disk that lost what it knew to be committed is not sound', () => {
  expect(() => logOf([1], { commit: 2 }).log.assertSound()).toThrow('commit <= last index');
  expect(() => logOf([1], { commit: 1, applied: 1 }).log.assertSound()).not.toThrow();
});
