import { expect, test } from 'vitest';
import { Leadership } from '../../../server/raft/leadership.ts';
import { completeLimits } from '../../../server/raft/limits.ts';
import { membershipOf } from './harness.ts';

function leadership() {
  const membership = { index: 1, membership: membershipOf(['c', 'a', 'b'], { learners: ['d'] }) };
  return new Leadership({ id: 'b', membership, nextIndex: 8, nowTicks: 3, limits: completeLimits() });
}

test('peers are sorted, without the leader, and begin as heard just now', () => {
  const { peers } = leadership();
  expect(peers.map(({ id }) => id)).toEqual(['a', 'c', 'd']);
  expect(peers[0]).toMatchObject({ session: 1, match: 0, next: 8, heardTicks: 3 });
});

test('who stays keeps its progress, who is new begins, who was removed is kept for a while', () => {
  const lead = leadership();
  lead.peer('a')!.acknowledge(7);
  lead.followMembership({ index: 9, membership: membershipOf(['a', 'b', 'e']) }, 10, 20);
  expect(lead.peers.map(({ id, removedTicks }) => [id, removedTicks])).toEqual([
    ['a', null],
    ['c', 20],
    ['d', 20],
    ['e', null],
  ]);
  expect(lead.peer('a')!.match).toBe(7);
  expect(lead.peer('e')).toMatchObject({ session: 9, next: 10, heardTicks: 20 });
  lead.dropRemoved(40, 20);
  expect(lead.peer('c')).toBeDefined();
  lead.dropRemoved(41, 20);
  expect(lead.peers.map(({ id }) => id)).toEqual(['a', 'e']);
});

test('who is removed and added again begins a new session, acknowledging nothing', () => {
  const lead = leadership();
  lead.peer('c')!.acknowledge(7);
  lead.followMembership({ index: 9, membership: membershipOf(['a', 'b']) }, 10, 20);
  lead.followMembership({ index: 12, membership: membershipOf(['a', 'b', 'c']) }, 13, 21);
  expect(lead.peer('c')).toMatchObject({ session: 12, match: 0, removedTicks: null });
});
