import { expect, test } from 'vitest';
import { Cluster, follower, leader, message, ofType } from './harness.ts';

test('the target is brought up to date, then told to campaign at once (3.10)', () => {
  const server = leader({ log: [1] });
  expect(server.core.transferLeadership('b')).toBe('started');
  expect(ofType(server.drain(), 'timeoutNow')).toEqual([]);
  server.step(message('appendAnswer', { term: 2, index: 1 }));
  const out = server.step(message('appendAnswer', { term: 2, index: 2 }));
  expect(ofType(out, 'timeoutNow')).toMatchObject([{ to: 'b', term: 2 }]);
});

test('a target that has everything is told at once, and again while it lives and nothing happens', () => {
  const server = leader();
  server.step(message('appendAnswer', { index: 1 }));
  server.core.transferLeadership('b');
  expect(ofType(server.drain(), 'timeoutNow')).toHaveLength(1);
  server.tick();
  expect(ofType(server.step(message('heartbeatAnswer', {})), 'timeoutNow')).toHaveLength(1);
});

test.each([
  ['a', 'self'],
  ['x', 'notVoter'],
  ['l', 'notVoter'],
  ['b', 'started'],
])('to %s: %s (hashicorp/raft#398)', (to, result) => {
  expect(leader({ learners: ['l'] }).core.transferLeadership(to)).toBe(result);
});

test('only a leader can; a candidate says so at once (hashicorp/raft#413)', () => {
  const server = follower();
  expect(server.core.transferLeadership('b')).toBe('notLeader');
  server.tick(10);
  expect(server.core.transferLeadership('b')).toBe('notLeader');
});

test('proposals are refused meanwhile (hashicorp/raft#487), for an election timeout and no longer', () => {
  const server = leader();
  server.core.transferLeadership('b');
  const alive = () => server.step(message('heartbeatAnswer', { from: 'c', round: 1 }));
  for (let tick = 0; tick < 9; tick++) {
    server.tick();
    alive();
    server.core.transferLeadership('b');
    expect(server.propose('x')).toEqual({ refused: 'transferring', leader: 'a' });
    expect(server.core.changeMembership({ voters: ['a'], learners: [], addresses: {} })).toMatchObject({
      refused: 'transferring',
    });
  }
  server.tick();
  expect(server.propose('x')).toEqual({ index: 2, term: 1 });
});

test('a second request replaces the first', () => {
  const server = leader();
  server.core.transferLeadership('b');
  server.core.transferLeadership('c');
  const out = server.step(message('appendAnswer', { from: 'b', index: 1 }));
  expect(ofType(out, 'timeoutNow')).toEqual([]);
  expect(ofType(server.step(message('appendAnswer', { from: 'c', index: 1 })), 'timeoutNow')).toHaveLength(1);
});

test('who is ordered to campaign asks at once, without a pre-vote, and leases do not hold for it', () => {
  const server = follower({ log: [1] });
  const out = server.step(message('timeoutNow', {}));
  expect(out).toMatchObject([
    { type: 'vote', to: 'b', pre: false, transfer: true, term: 2 },
    { type: 'vote', to: 'c', pre: false, transfer: true, term: 2 },
  ]);
  const other = follower({ term: 1 });
  other.step(message('heartbeat', { from: 'c' }));
  expect(other.step(message('vote', { term: 2, transfer: true }))).toMatchObject([{ granted: true }]);
});

test('a learner that is ordered to campaign does not', () => {
  const server = follower({ voters: ['b'], learners: ['a'], term: 1 });
  expect(server.step(message('timeoutNow', {}))).toEqual([]);
  expect(server.status.role).toBe('follower');
});

test('heartbeats of the old leader do not turn the new candidate back (canonical/raft#203)', () => {
  const server = follower({ log: [1] });
  server.step(message('timeoutNow', {}));
  const out = server.step(message('heartbeat', { term: 1 }));
  expect(server.status).toMatchObject({ role: 'candidate', term: 2 });
  expect(out).toMatchObject([{ type: 'heartbeatAnswer', term: 2 }]);
});

test('under load and loss it happens a hundred times, and nothing that was committed is lost (hashicorp/raft#487)', () => {
  const cluster = new Cluster(['a', 'b', 'c'], { seed: 5 });
  cluster.electById('a');
  let dropped = 0;
  cluster.passes = () => ++dropped % 11 !== 0;
  let sent = 0;
  for (let round = 0; round < 100; round++) {
    if (cluster.leaders.length === 1) {
      const { status, core } = cluster.leader;
      const to = ['a', 'b', 'c'].find((id) => id > status.id) ?? 'a';
      cluster.propose(`round ${round}`);
      if (core.transferLeadership(to) === 'started') sent++;
      cluster.propose('refused or not');
    }
    cluster.run(3);
  }
  cluster.heal();
  cluster.run(40);
  expect(sent).toBeGreaterThan(60);
  expect(cluster.leader.status.term).toBeGreaterThan(50);
  const all = cluster.up.map(({ commands }) => commands);
  expect(all[1]).toEqual(all[0]);
  expect(all[2]).toEqual(all[0]);
});
