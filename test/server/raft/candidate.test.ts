import { expect, test } from 'vitest';
import { follower, message, ofType, type SingleStart } from './harness.ts';

function preCandidate(start: SingleStart = {}) {
  const server = follower({ log: [1, 2], ...start });
  const out = server.tick(10);
  return { server, out };
}

function candidate(start: SingleStart = {}) {
  const { server } = preCandidate(start);
  const { term } = server.status;
  const out = [];
  for (const from of server.status.membership.voters) {
    if (from === 'a' || server.status.role !== 'preCandidate') continue;
    out.push(...server.step(message('voteAnswer', { from, term: term + 1, pre: true })));
  }
  return { server, out };
}

test('first it asks whether it could win, and changes neither term nor vote (9.6)', () => {
  const { server, out } = preCandidate({ term: 2, vote: 'c' });
  const request = { type: 'vote', pre: true, transfer: false, term: 3, lastIndex: 2, lastTerm: 2 };
  expect(out).toMatchObject([
    { ...request, to: 'b' },
    { ...request, to: 'c' },
  ]);
  expect(server.status).toMatchObject({ role: 'preCandidate', term: 2, vote: 'c', leader: null });
});

test('with a majority of pre-votes it raises the term, votes for itself and asks for votes (5.2)', () => {
  const { server, out } = candidate();
  const request = { type: 'vote', pre: false, transfer: false, term: 3, lastIndex: 2, lastTerm: 2 };
  expect(out).toMatchObject([
    { ...request, to: 'b' },
    { ...request, to: 'c' },
  ]);
  expect(server.status).toMatchObject({ role: 'candidate', term: 3, vote: 'a' });
  expect(server.disk.hardState).toMatchObject({ term: 3, vote: 'a' });
});

test('it asks for votes only when its own vote is on disk', () => {
  const { server } = preCandidate();
  server.promptDisk = false;
  expect(server.step(message('voteAnswer', { term: 3, pre: true }))).toEqual([]);
  expect(server.status.role).toBe('candidate');
  expect(ofType(server.flush(1), 'vote')).toHaveLength(2);
});

test('it leads only when its own vote is on disk, however many others came first', () => {
  const { server } = preCandidate();
  server.promptDisk = false;
  server.step(message('voteAnswer', { term: 3, pre: true }));
  for (const from of ['b', 'c']) server.step(message('voteAnswer', { from, term: 3 }));
  expect(server.status.role).toBe('candidate');
  server.flush(1);
  expect(server.status.role).toBe('leader');
});

test('with a majority of votes it leads, and appends an empty entry of its term at once (8)', () => {
  const { server } = candidate();
  const out = server.step(message('voteAnswer', { term: 3 }));
  const append = { type: 'append', term: 3, prevIndex: 2, prevTerm: 2, commit: 0 };
  expect(out).toMatchObject([
    { ...append, to: 'b', entries: [{ index: 3, term: 3, kind: 'noop' }] },
    { ...append, to: 'c', entries: [{ index: 3, term: 3, kind: 'noop' }] },
  ]);
  expect(server.status).toMatchObject({ role: 'leader', term: 3, leader: 'a', lastIndex: 3 });
});

test('a single voter elects itself and commits alone', () => {
  const server = follower({ voters: ['a'], log: [1] });
  expect(server.tick(10)).toEqual([]);
  expect(server.status).toMatchObject({ role: 'leader', term: 2, commit: 2, applied: 2 });
  server.propose('x');
  expect(server.commands.at(-1)).toBe('x');
});

test.each([
  { what: 'the same vote three times', answers: [{}, {}, {}] },
  { what: 'a vote of a stranger', answers: [{ from: 'x' }, { from: 'y' }, { from: 'z' }] },
  { what: 'a vote of a learner', answers: [{ from: 'l' }, { from: 'l' }] },
  { what: 'a vote of an older term', answers: [{ term: 2 }, { term: 2, from: 'c' }] },
  {
    what: 'a late pre-vote (canonical/raft#196)',
    answers: [
      { pre: true, from: 'b' },
      { pre: true, from: 'c' },
      { pre: true, from: 'd' },
    ],
  },
  { what: 'a refusal that was taken back', answers: [{ granted: false }, { granted: true }, { from: 'c' }] },
])('$what does not win an election of five', ({ answers }) => {
  const { server } = candidate({ voters: ['a', 'b', 'c', 'd', 'e'], learners: ['l'] });
  expect(server.status.role).toBe('candidate');
  for (const answer of answers) server.step(message('voteAnswer', { term: 3, ...answer }));
  expect(server.status.role).toBe('candidate');
});

test('votes are no pre-votes', () => {
  const { server } = preCandidate();
  for (const from of ['b', 'c']) server.step(message('voteAnswer', { from, term: 2 }));
  expect(server.status).toMatchObject({ role: 'preCandidate', term: 2 });
});

test('a majority of refusals ends the campaign at once', () => {
  for (const { server } of [preCandidate(), candidate()]) {
    const { role, term } = server.status;
    const pre = role === 'preCandidate';
    for (const from of ['b', 'c']) server.step(message('voteAnswer', { from, term, pre, granted: false }));
    expect(server.status).toMatchObject({ role: 'follower', term, vote: pre ? null : 'a' });
  }
});

test('a refusal of a higher term is where the term comes from', () => {
  const { server } = preCandidate();
  server.step(message('voteAnswer', { term: 8, pre: true, granted: false }));
  expect(server.status).toMatchObject({ role: 'follower', term: 8, vote: null });
});

test.each(['append', 'heartbeat'] as const)(
  'a leader of the same term (%s) ends the campaign (5.2)',
  (type) => {
    for (const { server } of [preCandidate(), candidate()]) {
      const { term, vote } = server.status;
      server.step(message(type, { term }));
      expect(server.status).toMatchObject({ role: 'follower', term, vote, leader: 'b' });
    }
  },
);

test('when nobody wins, a new round decides: pre-votes first, again', () => {
  const { server } = candidate();
  const out = server.tick(10);
  expect(out).toMatchObject([
    { type: 'vote', pre: true, term: 4 },
    { type: 'vote', pre: true, term: 4 },
  ]);
  expect(server.status).toMatchObject({ role: 'preCandidate', term: 3, vote: 'a' });
});

test('in a joint phase both halves are asked, and both must agree (4.3)', () => {
  const { server, out } = preCandidate({
    voters: ['a', 'b', 'c'],
    outgoing: ['a', 'd', 'e'],
    learners: ['l'],
  });
  expect(out.map(({ to }) => to)).toEqual(['b', 'c', 'd', 'e']);
  server.step(message('voteAnswer', { from: 'b', term: 3, pre: true }));
  server.step(message('voteAnswer', { from: 'c', term: 3, pre: true }));
  expect(server.status.role).toBe('preCandidate');
  server.step(message('voteAnswer', { from: 'e', term: 3, pre: true }));
  expect(server.status.role).toBe('candidate');
});
