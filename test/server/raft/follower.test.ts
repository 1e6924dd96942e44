import { describe, expect, test } from 'vitest';
import { encodeMembership } from '../../../server/raft/membership.ts';
import { entriesOf, follower, membershipOf, message, ofType, type TestServer } from './harness.ts';

function termsOf(server: TestServer): number[] {
  return server.disk.entries.map(({ term }) => term);
}

describe('votes (5.2, 5.4.1)', () => {
  test.each([
    { what: 'equal logs', lastIndex: 3, lastTerm: 2, granted: true },
    { what: 'a longer log', lastIndex: 4, lastTerm: 2, granted: true },
    { what: 'a shorter log', lastIndex: 2, lastTerm: 2, granted: false },
    { what: 'a shorter log of a higher term', lastIndex: 1, lastTerm: 3, granted: true },
    { what: 'a longer log of a lower term', lastIndex: 9, lastTerm: 1, granted: false },
  ])('$what: $granted', ({ lastIndex, lastTerm, granted }) => {
    for (const pre of [false, true]) {
      const server = follower({ log: [1, 1, 2] });
      const [answer] = server.step(message('vote', { pre, term: 5, lastIndex, lastTerm }));
      const term = pre && !granted ? 2 : 5;
      expect(answer).toMatchObject({ type: 'voteAnswer', to: 'b', pre, granted, term });
      expect(server.status).toMatchObject({ term: pre ? 2 : 5, vote: granted && !pre ? 'b' : null });
    }
  });

  test.each([
    { vote: null, from: 'b', granted: true },
    { vote: 'b', from: 'b', granted: true },
    { vote: 'c', from: 'b', granted: false },
  ])('in term 3 with vote $vote, $from asks: $granted', ({ vote, from, granted }) => {
    const server = follower({ term: 3, vote });
    expect(server.step(message('vote', { term: 3, from }))).toMatchObject([{ granted, term: 3 }]);
    expect(server.status.vote).toBe(granted ? from : vote);
  });

  test('a vote leaves only when it is on disk', () => {
    const server = follower();
    server.promptDisk = false;
    expect(server.step(message('vote', { term: 2 }))).toEqual([]);
    expect(server.flush(1)).toMatchObject([{ type: 'voteAnswer', granted: true }]);
    expect(server.disk.hardState).toEqual({ term: 2, vote: 'b', commit: 0 });
  });

  test('a request of an older term is refused with ours, also a pre-vote (canonical/raft#279)', () => {
    for (const pre of [false, true]) {
      const server = follower({ term: 7 });
      const [answer] = server.step(message('vote', { pre, term: 6, lastIndex: 9, lastTerm: 6 }));
      expect(answer).toMatchObject({ granted: false, term: 7 });
    }
  });

  test('a pre-vote for a term that we are in already is refused', () => {
    const server = follower({ term: 7 });
    expect(server.step(message('vote', { pre: true, term: 7 }))).toMatchObject([{ granted: false, term: 7 }]);
  });

  test('a learner that was promoted and does not know it votes (etcd-io/etcd#10998)', () => {
    const server = follower({ voters: ['b'], learners: ['a'], term: 1 });
    expect(server.step(message('vote', { term: 2 }))).toMatchObject([{ granted: true }]);
  });

  test('who follows a leader of this term votes for nobody else in it', () => {
    const server = follower({ term: 3 });
    server.step(message('heartbeat', { term: 3, from: 'c' }));
    expect(server.step(message('vote', { term: 3 }))).toMatchObject([{ granted: false }]);
  });
});

describe('appends (5.3)', () => {
  test.each([
    { what: 'fits at the end', log: [1, 1], prev: [2, 1], brings: [2], after: [1, 1, 2], index: 3 },
    { what: 'fits an empty log', log: [], prev: [0, 0], brings: [1, 1], after: [1, 1], index: 2 },
    { what: 'is known already', log: [1, 1, 2], prev: [1, 1], brings: [1], after: [1, 1, 2], index: 2 },
    { what: 'is empty', log: [1, 1, 2], prev: [2, 1], brings: [], after: [1, 1, 2], index: 2 },
    { what: 'overlaps', log: [1, 1], prev: [1, 1], brings: [1, 2, 2], after: [1, 1, 2, 2], index: 4 },
    {
      what: 'differs at once',
      log: [1, 1, 1],
      prev: [1, 1],
      brings: [2, 2],
      after: [1, 2, 2],
      index: 3,
    },
    {
      what: 'differs later',
      log: [1, 1, 1, 1],
      prev: [1, 1],
      brings: [1, 2],
      after: [1, 1, 2],
      index: 3,
    },
    {
      what: 'differs from the start',
      log: [1, 1, 2],
      prev: [0, 0],
      brings: [3],
      after: [3],
      index: 1,
    },
  ])('one that $what is taken', ({ log, prev, brings, after, index }) => {
    const server = follower({ log, term: 3 });
    const [prevIndex, prevTerm] = prev as [number, number];
    const entries = entriesOf(brings, prevIndex + 1);
    const out = server.step(message('append', { term: 3, prevIndex, prevTerm, entries }));
    expect(out).toMatchObject([{ type: 'appendAnswer', to: 'b', term: 3, rejected: false, index }]);
    expect(termsOf(server)).toEqual(after);
  });

  test.each([
    { log: [1, 1], prev: [5, 1], hint: [2, 1] },
    { log: [1, 1, 2, 2], prev: [4, 3], hint: [4, 2] },
    { log: [1, 1, 3, 3, 3], prev: [5, 2], hint: [2, 1] },
    { log: [2, 2, 2], prev: [3, 1], hint: [0, 0] },
    { log: [1, 4, 4], prev: [9, 2], hint: [1, 1] },
    { log: [], prev: [3, 1], hint: [0, 0] },
  ])('with $log, an append behind $prev is refused with hint $hint', ({ log, prev, hint }) => {
    const server = follower({ log, term: 4 });
    const [prevIndex, prevTerm] = prev as [number, number];
    const out = server.step(
      message('append', { term: 4, prevIndex, prevTerm, entries: entriesOf([4], prevIndex + 1) }),
    );
    const [hintIndex, hintTerm] = hint;
    expect(out).toMatchObject([{ rejected: true, index: prevIndex, hintIndex, hintTerm }]);
    expect(termsOf(server)).toEqual(log);
  });

  test('a late, shorter append of the same leader takes nothing back', () => {
    const server = follower({ log: [1, 1, 1, 1] });
    server.step(message('append', { prevIndex: 1, prevTerm: 1, entries: entriesOf([1], 2) }));
    expect(termsOf(server)).toEqual([1, 1, 1, 1]);
  });

  test('an append far below the commit is answered with the commit', () => {
    const server = follower({ log: [1, 1, 1, 1], commit: 3 });
    const out = server.step(message('append', { prevIndex: 0, prevTerm: 0, entries: entriesOf([1]) }));
    expect(out).toMatchObject([{ rejected: false, index: 3 }]);
  });

  test('an append that reaches beyond the commit brings what is behind it, also after compaction', () => {
    const server = follower({ log: [1, 1, 1, 1], commit: 3 });
    server.compact();
    const out = server.step(
      message('append', { term: 2, prevIndex: 1, prevTerm: 1, entries: entriesOf([1, 1, 2, 2], 2) }),
    );
    expect(out).toMatchObject([{ rejected: false, index: 5 }]);
    expect(server.disk.lastIndex()).toBe(5);
    expect(server.disk.term(4)).toBe(2);
  });

  test('an append that contradicts what is committed stops this server', () => {
    const server = follower({ log: [1, 1], commit: 2, term: 2 });
    const request = message('append', { term: 2, prevIndex: 0, prevTerm: 0, entries: entriesOf([2, 2, 2]) });
    expect(() => server.step(request)).toThrow('has what is committed');
  });

  test('the answer leaves when the entries are on disk', () => {
    const server = follower();
    server.promptDisk = false;
    expect(server.step(message('append', { entries: entriesOf([1]) }))).toEqual([]);
    expect(server.flush(1)).toMatchObject([{ rejected: false, index: 1 }]);
    expect(server.disk.lastIndex()).toBe(1);
  });
});

describe('what is committed on a follower: min(commit of the leader, last index that the message verified)', () => {
  test.each([
    { what: 'less than it holds', log: [1, 1, 1], prev: 3, brings: [], commit: 2, after: 2 },
    { what: 'all it holds', log: [1, 1], prev: 2, brings: [1], commit: 3, after: 3 },
    { what: 'more than it holds', log: [1, 1], prev: 2, brings: [1], commit: 9, after: 3 },
    { what: 'a tail that nobody verified', log: [1, 1, 1, 1], prev: 2, brings: [], commit: 4, after: 2 },
    {
      what: 'an entry in front of such a tail',
      log: [1, 1, 1, 1],
      prev: 1,
      brings: [1],
      commit: 4,
      after: 2,
    },
  ])('$what', ({ log, prev, brings, commit, after }) => {
    const server = follower({ log, term: 1 });
    const entries = entriesOf(brings, prev + 1);
    server.step(message('append', { prevIndex: prev, prevTerm: 1, entries, commit }));
    expect(server.status.commit).toBe(after);
    expect(server.applied).toBe(after);
  });

  test('a heartbeat brings it as far as its leader knows of us', () => {
    const server = follower({ log: [1, 1, 1] });
    expect(server.step(message('heartbeat', { commit: 2, round: 5 }))).toMatchObject([
      { type: 'heartbeatAnswer', to: 'b', round: 5 },
    ]);
    expect(server.status.commit).toBe(2);
  });

  test('a commit beyond our log is not ours, and no reason to die (etcd-io/etcd#10166, #21178)', () => {
    const server = follower({ log: [1] });
    expect(server.step(message('heartbeat', { commit: 7 }))).toHaveLength(1);
    expect(server.status.commit).toBe(0);
  });
});

describe('membership entries', () => {
  const without = encodeMembership(membershipOf(['b', 'c']));

  test('count as soon as they are in the log, and no longer than that', () => {
    const server = follower({ log: [1], term: 1 });
    const entry = { index: 2, term: 1, kind: 'membership', data: without } as const;
    server.step(message('append', { prevIndex: 1, prevTerm: 1, entries: [entry] }));
    expect(server.status.membership.voters).toEqual(['b', 'c']);
    server.step(
      message('append', { from: 'c', term: 2, prevIndex: 1, prevTerm: 1, entries: entriesOf([2], 2) }),
    );
    expect(server.status.membership.voters).toEqual(['a', 'b', 'c']);
  });

  test('are not cut while the one before is still being read from disk; the leader asks again', () => {
    const server = follower({ log: [1], term: 1 });
    const entry = { index: 2, term: 1, kind: 'membership', data: without } as const;
    server.step(message('append', { prevIndex: 1, prevTerm: 1, entries: [entry] }));
    server.restart();
    server.disk.coldTo = 1;
    const cut = message('append', {
      from: 'c',
      term: 2,
      prevIndex: 1,
      prevTerm: 1,
      entries: entriesOf([2], 2),
    });
    expect(server.step(cut)).toEqual([]);
    server.disk.coldTo = 0;
    expect(server.step(cut)).toMatchObject([{ rejected: false, index: 2 }]);
    expect(server.status.membership.voters).toEqual(['a', 'b', 'c']);
  });
});

describe('snapshots', () => {
  const membership = membershipOf(['a', 'b', 'c', 'd']);
  const meta = { index: 5, term: 2, membership, membershipIndex: 4 };

  function filled(server: TestServer) {
    const source = follower({ id: 'b', log: [1, 1, 2, 2, 2] });
    return server.install(source.disk);
  }

  test('one that is not beyond the commit is answered with the commit', () => {
    const server = follower({ log: [1, 1, 1, 1, 2, 2], commit: 6 });
    expect(server.step(message('snapshot', { term: 2, meta }))).toMatchObject([
      { rejected: false, index: 6 },
    ]);
    expect(server.fetch).toBeNull();
  });

  test('one whose last entry we have only raises the commit: the log stays', () => {
    const server = follower({ log: [1, 1, 1, 1, 2, 2], commit: 1 });
    expect(server.step(message('snapshot', { term: 2, meta }))).toMatchObject([
      { rejected: false, index: 5 },
    ]);
    expect(server.status).toMatchObject({ commit: 5, lastIndex: 6 });
    expect(server.fetch).toBeNull();
  });

  test.each([
    ['lacks', [1, 1]],
    ['contradicts', [1, 1, 1, 1, 1, 1, 1]],
  ])('one that the log %s replaces all of it (hashicorp/raft#697)', (_, log) => {
    const server = follower({ log, commit: 2, term: 2 });
    expect(server.step(message('snapshot', { term: 2, meta, session: 3 }))).toEqual([]);
    expect(server.fetch).toEqual({ from: 'b', meta });
    expect(filled(server)).toMatchObject([
      { type: 'appendAnswer', to: 'b', rejected: false, index: 5, session: 3 },
    ]);
    expect(server.status).toMatchObject({ commit: 5, applied: 5, lastIndex: 5, lastTerm: 2, membership });
  });

  test('while it is fetched the log is frozen: nothing is appended, applied or won', () => {
    const server = follower({ log: [1, 1, 1], commit: 1 });
    server.step(message('snapshot', { term: 2, meta }));
    expect(server.step(message('snapshot', { term: 2, meta: { ...meta, index: 9 } }))).toEqual([]);
    const append = message('append', {
      term: 2,
      prevIndex: 3,
      prevTerm: 1,
      entries: entriesOf([2], 4),
      commit: 3,
    });
    expect(server.step(append)).toEqual([]);
    expect(server.step(message('heartbeat', { term: 2, commit: 3 }))).toMatchObject([
      { type: 'heartbeatAnswer' },
    ]);
    expect(server.applied).toBe(1);
    expect(ofType(server.tick(30), 'vote')).toEqual([]);
    expect(server.status).toMatchObject({ lastIndex: 3, role: 'follower' });
    filled(server);
    server.tick(20);
    expect(server.status.role).toBe('preCandidate');
  });

  test('one that could not be fetched leaves everything as it was, and may be offered again', () => {
    const server = follower({ log: [1, 1, 1], commit: 1 });
    server.step(message('snapshot', { term: 2, meta }));
    server.failFetch();
    expect(server.fetch).toBeNull();
    server.step(message('snapshot', { term: 2, meta }));
    expect(server.fetch).toEqual({ from: 'b', meta });
    expect(server.status.lastIndex).toBe(3);
  });

  test('if the leader changed meanwhile, the new one hears of it', () => {
    const server = follower({ log: [1], term: 2 });
    server.step(message('snapshot', { term: 2, meta, session: 3 }));
    server.step(message('heartbeat', { term: 3, from: 'c' }));
    const [answer] = filled(server);
    expect(answer).toMatchObject({ to: 'c', term: 3, rejected: false, index: 5 });
    expect(answer).not.toHaveProperty('session', 3);
  });
});

test('a server whose disk is damaged hears its leader and says nothing (raft.md 3.4)', () => {
  const server = follower({ log: [1, 1], mayVote: false, term: 1 });
  const requests = [
    message('vote', { term: 3, lastIndex: 9, lastTerm: 3 }),
    message('vote', { term: 4, lastIndex: 9, lastTerm: 3, pre: true }),
    message('append', { term: 3, prevIndex: 2, prevTerm: 1, entries: entriesOf([3], 3), commit: 3 }),
    message('heartbeat', { term: 3, commit: 2 }),
    message('heartbeat', { term: 2, from: 'c' }),
    message('snapshot', {
      term: 3,
      meta: { index: 9, term: 2, membership: membershipOf(['a']), membershipIndex: 1 },
    }),
    message('timeoutNow', { term: 3 }),
  ];
  for (const request of requests) expect(server.step(request)).toEqual([]);
  expect(server.status).toMatchObject({ role: 'follower', term: 3, leader: 'b', lastIndex: 2, commit: 0 });
  expect(server.tick(40)).toEqual([]);
  expect(server.status.role).toBe('follower');
});

test('two leaders in one term are a broken cluster: this server stops', () => {
  const server = follower({ term: 3 });
  server.step(message('heartbeat', { term: 3 }));
  expect(() => server.step(message('heartbeat', { term: 3, from: 'c' }))).toThrow('term 3 has one leader');
});
