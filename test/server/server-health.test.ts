import { expect, test } from 'vitest';
import type { PeerStatus, RaftStatus } from '../../server/raft/ready.ts';
import { failureTolerance, isHealthy, objectionTo } from '../../server/server-health.ts';

const limits = { lagMax: 250, silentTicksMax: 5 };

function peer(id: string, fields: Partial<PeerStatus> = {}): PeerStatus {
  return { id, match: 1_000, next: 1_001, state: 'replicate', voter: true, silentTicks: 0, ...fields };
}

function status(...peers: PeerStatus[]): RaftStatus {
  const voters = ['a', ...peers.map(({ id }) => id)];
  const membership = { voters, outgoing: null, learners: [], addresses: {} };
  const standing = { role: 'leader' as const, term: 3, leader: 'a', vote: 'a' };
  return {
    id: 'a',
    ...standing,
    commit: 1_000,
    applied: 1_000,
    lastIndex: 1_000,
    lastTerm: 3,
    membership,
    peers,
  };
}

test('a server is healthy while it is heard, lacks few entries and needs no snapshot', () => {
  const cases: Array<[Partial<PeerStatus>, boolean]> = [
    [{}, true],
    [{ silentTicks: 5 }, true],
    [{ silentTicks: 6 }, false],
    [{ match: 750 }, true],
    [{ match: 749 }, false],
    [{ state: 'probe' }, false],
    [{ state: 'snapshot' }, false],
  ];
  for (const [fields, healthy] of cases) {
    const b = peer('b', fields);
    expect(isHealthy(status(b), b, limits), JSON.stringify(fields)).toBe(healthy);
  }
});

test('a set of voters is safe when its majority is there; a newcomer counts as there', () => {
  const one = status(peer('b'), peer('c', { silentTicks: 99 }));
  expect(objectionTo(one, ['a', 'b'], limits)).toBeNull();
  expect(objectionTo(one, ['a', 'c'], limits)).toContain('only 1 would be healthy, 2 are needed');
  expect(objectionTo(one, ['a', 'c', 'd'], limits)).toContain('quorum');
  expect(objectionTo(one, ['a', 'c', 'd'], limits, 'd')).toBeNull();
  expect(objectionTo(one, [], limits)).toContain('last voter');
});

test('failure tolerance', () => {
  expect([1, 2, 3, 4, 5].map((voters) => failureTolerance(voters, voters))).toEqual([0, 0, 1, 1, 2]);
  expect(failureTolerance(3, 2)).toBe(0);
  expect(failureTolerance(3, 1)).toBe(0);
});
