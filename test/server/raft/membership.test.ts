import { expect, test } from 'vitest';
import { encode } from '../../../proto/codec.ts';
import type { Entry, Membership } from '../../../proto/raft.ts';
import {
  decodeMembership,
  encodeMembership,
  faultOf,
  firstStep,
  isVoter,
  lastStep,
  MembershipHistory,
  memberIds,
} from '../../../server/raft/membership.ts';
import { entriesOf, MemoryLog, membershipOf } from './harness.ts';

const three = membershipOf(['a', 'b', 'c'], { addresses: { a: 'ip-a', b: 'ip-b', c: 'ip-c' } });

function entryAt(index: number, membership: Membership, term = 1): Entry {
  return { index, term, kind: 'membership', data: encodeMembership(membership) };
}

test('what is written is read again, and equal memberships are equal bytes', () => {
  const joint = membershipOf(['b', 'c'], {
    outgoing: ['a', 'b'],
    learners: ['d'],
    addresses: { b: 'x', a: 'y' },
  });
  expect(decodeMembership(encodeMembership(joint))).toEqual(joint);
  const shuffled = { ...joint, voters: ['c', 'b'], outgoing: ['b', 'a'], addresses: { a: 'y', b: 'x' } };
  expect(encodeMembership(shuffled)).toEqual(encodeMembership(joint));
});

test.each([[1], [{ voters: 'a' }], [{ voters: [], outgoing: null, learners: [] }], [null]])(
  '%j is no membership',
  (value) => {
    expect(() => decodeMembership(encode(value))).toThrow('membership');
  },
);

test('a change of voters begins with a joint phase that knows everybody (4.3)', () => {
  const joint = firstStep(three, { voters: ['b', 'c', 'd'], learners: [], addresses: { d: 'ip-d' } });
  expect(joint).toEqual({
    voters: ['b', 'c', 'd'],
    outgoing: ['a', 'b', 'c'],
    learners: [],
    addresses: { a: 'ip-a', b: 'ip-b', c: 'ip-c', d: 'ip-d' },
  });
  expect(memberIds(joint)).toEqual(['a', 'b', 'c', 'd']);
  expect(['a', 'b', 'd', 'x'].map((id) => isVoter(joint, id))).toEqual([true, true, true, false]);
  expect(lastStep(joint)).toEqual({
    voters: ['b', 'c', 'd'],
    outgoing: null,
    learners: [],
    addresses: { b: 'ip-b', c: 'ip-c', d: 'ip-d' },
  });
});

test('a change of learners or addresses alone needs no joint phase', () => {
  const next = firstStep(three, { voters: ['c', 'b', 'a'], learners: ['d'], addresses: { a: 'moved' } });
  expect(next).toMatchObject({ voters: ['a', 'b', 'c'], outgoing: null, learners: ['d'] });
  expect(next.addresses).toEqual({ a: 'moved', b: 'ip-b', c: 'ip-c' });
});

test('a voter may become a learner, and votes until that is settled', () => {
  const joint = firstStep(three, { voters: ['a', 'b'], learners: ['c'], addresses: {} });
  expect(joint).toMatchObject({ voters: ['a', 'b'], outgoing: ['a', 'b', 'c'], learners: ['c'] });
  expect(isVoter(joint, 'c')).toBe(true);
  expect(isVoter(lastStep(joint), 'c')).toBe(false);
});

test.each([
  [[], ['a'], 'noVoters'],
  [['a', 'a'], [], 'ambiguous'],
  [['a', 'b'], ['b'], 'ambiguous'],
  [['a', 'b'], ['c'], null],
])('voters %j with learners %j: %s', (voters, learners, fault) => {
  expect(faultOf({ voters, learners, addresses: {} })).toBe(fault);
});

test('a membership that is cut falls back to the one before', () => {
  const history = new MembershipHistory({ index: 1, membership: three });
  const log = new MemoryLog();
  history.append(entryAt(5, membershipOf(['a'])));
  expect(history.canCut(6, log)).toBe(true);
  history.cut(6);
  expect(history.latest.index).toBe(5);
  expect(history.canCut(5, log)).toBe(true);
  history.cut(5);
  expect(history.latest).toEqual({ index: 1, membership: three });
});

test('memberships come in order, and only the newest can be cut', () => {
  const history = new MembershipHistory({ index: 1, membership: three });
  history.append(entryAt(5, three));
  history.append(entryAt(6, three));
  expect(() => history.append(entryAt(6, three))).toThrow('in order');
  expect(() => history.cut(5)).toThrow('only the newest');
});

/** A log of commands whose membership entries are at the given indexes, and the history after a restart with it. */
function afterRestart(indexes: readonly number[], length: number) {
  const log = new MemoryLog();
  const entries = entriesOf(Array(length).fill(1)).map((entry) =>
    indexes.includes(entry.index) ? entryAt(entry.index, membershipOf([`of-${entry.index}`])) : entry,
  );
  log.write({ token: 0, cutFrom: null, entries, hardState: null });
  const newest = indexes.at(-1)!;
  const membership = membershipOf([`of-${newest}`]);
  return { log, history: new MembershipHistory({ index: newest, membership }, three) };
}

test('after a restart the one before is searched in the log, however far back', () => {
  const { log, history } = afterRestart([3, 700], 710);
  expect(history.canCut(650, log)).toBe(true);
  history.cut(650);
  expect(history.latest).toEqual({ index: 3, membership: membershipOf(['of-3']) });
});

test('after a restart without another one in the log it is that of the snapshot, else the origin', () => {
  const { log, history } = afterRestart([40], 50);
  expect(history.before(log)).toEqual({ index: 0, membership: three });

  const compacted = afterRestart([7, 40], 50);
  const membership = membershipOf(['of-7']);
  compacted.log.compact({ index: 20, term: 1, membership, membershipIndex: 7 }, 15);
  expect(compacted.history.before(compacted.log)).toEqual({ index: 7, membership });
});

test('while that part of the log is being read from disk, nothing can be cut there', () => {
  const { log, history } = afterRestart([3, 700], 710);
  log.coldTo = 600;
  expect(history.canCut(650, log)).toBe(false);
  expect(history.canCut(701, log)).toBe(true);
  log.coldTo = 0;
  expect(history.canCut(650, log)).toBe(true);
});

test('a snapshot that replaces the log brings its membership', () => {
  const history = new MembershipHistory({ index: 1, membership: three });
  history.append(entryAt(5, membershipOf(['a'])));
  history.reset({ index: 90, membership: three });
  expect(history.current).toEqual(three);
});
