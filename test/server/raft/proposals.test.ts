import { expect, test } from 'vitest';
import { Cluster, dataOf, follower, leader, message, ofType, type TestServer } from './harness.ts';

function commit(server: TestServer, index = server.status.lastIndex): void {
  for (const from of ['b', 'c'])
    server.step(message('appendAnswer', { from, term: server.status.term, index }));
}

test('commands are appended together and in order', () => {
  const server = leader({ log: [1] });
  expect(server.propose('x', 'y')).toEqual({ index: 3, term: 2 });
  expect(server.propose('z')).toEqual({ index: 5, term: 2 });
  commit(server);
  expect(server.commands).toEqual(['1@1', 'x', 'y', 'z']);
});

test('a follower names the leader, as far as it knows one', () => {
  const server = follower();
  expect(server.propose('x')).toEqual({ refused: 'notLeader', leader: null });
  server.step(message('heartbeat', {}));
  expect(server.propose('x')).toEqual({ refused: 'notLeader', leader: 'b' });
});

test('a leader without a majority takes no more than the bound, and again when it is settled', () => {
  const server = leader({ limits: { uncommittedBytesMax: 200 } });
  commit(server);
  expect(server.propose('x'.repeat(60))).toMatchObject({ index: 2 });
  expect(server.propose('x'.repeat(60))).toMatchObject({ index: 3 });
  expect(server.propose('x'.repeat(60))).toEqual({ refused: 'full', leader: 'a' });
  expect(server.status.lastIndex).toBe(3);
  commit(server);
  expect(server.propose('x'.repeat(60))).toMatchObject({ index: 4 });
});

test('a single command beyond the bound goes when nothing else waits', () => {
  const server = leader({ limits: { uncommittedBytesMax: 100 } });
  commit(server);
  expect(server.propose('x'.repeat(500))).toMatchObject({ index: 2 });
  expect(server.propose('x')).toMatchObject({ refused: 'full' });
});

test('what a majority committed still counts while the own disk is behind', () => {
  const server = leader({ limits: { uncommittedBytesMax: 100 } });
  commit(server);
  server.promptDisk = false;
  server.propose('x'.repeat(80));
  commit(server);
  expect(server.status.commit).toBe(2);
  expect(server.core.propose([dataOf('x')])).toMatchObject({ refused: 'full' });
  server.flush(1);
  expect(server.core.propose([dataOf('x')])).toMatchObject({ index: 3 });
});

const four = { voters: ['a', 'b', 'c', 'd'], learners: [], addresses: {} };

test('no change before an entry of the own term is committed (the hole of single steps, raft-dev 2015)', () => {
  const server = leader({ log: [1], commit: 1 });
  expect(server.core.changeMembership(four)).toEqual({ refused: 'notReady', leader: 'a' });
  commit(server);
  expect(server.core.changeMembership(four)).toEqual({ index: 3, term: 2 });
});

test('no change while another one is under way', () => {
  const server = leader();
  commit(server);
  server.core.changeMembership(four);
  server.drain();
  expect(server.core.changeMembership(four)).toMatchObject({ refused: 'pending' });
  const learner = leader();
  commit(learner);
  learner.core.changeMembership({ voters: ['a', 'b', 'c'], learners: ['d'], addresses: {} });
  learner.drain();
  expect(learner.core.changeMembership(four)).toMatchObject({ refused: 'pending' });
});

test.each([
  [{ voters: [], learners: ['a'], addresses: {} }, 'noVoters'],
  [{ voters: ['a', 'b'], learners: ['a'], addresses: {} }, 'ambiguous'],
])('%j is refused: %s', (target, refused) => {
  const server = leader();
  commit(server);
  expect(server.core.changeMembership(target)).toMatchObject({ refused });
  expect(follower().core.changeMembership(target)).toMatchObject({ refused: 'notLeader' });
});

test('a change is in force as soon as it is appended: the new server gets entries', () => {
  const server = leader();
  commit(server);
  server.core.changeMembership({
    voters: ['a', 'b', 'c'],
    learners: ['d'],
    addresses: { d: '10.0.0.4:8300' },
  });
  const appends = ofType(server.drain(), 'append').filter(({ to }) => to === 'd');
  expect(appends).toHaveLength(1);
  expect(server.status.membership).toMatchObject({ learners: ['d'], addresses: { d: '10.0.0.4:8300' } });
  expect(server.status.peers.map(({ id, voter }) => [id, voter])).toEqual([
    ['b', true],
    ['c', true],
    ['d', false],
  ]);
});

/** A cluster of a, b and c with a as leader; d and e are there and know nothing. */
function clusterOfThree() {
  const cluster = new Cluster(['a', 'b', 'c']);
  cluster.add('d', null);
  cluster.add('e', null);
  cluster.electById('a');
  cluster.propose('before');
  return cluster;
}

function change(cluster: Cluster, voters: string[], learners: string[] = []) {
  const result = cluster.leader.core.changeMembership({ voters, learners, addresses: {} });
  cluster.settle();
  return result;
}

test('a server joins as learner, catches up, and is promoted', () => {
  const cluster = clusterOfThree();
  change(cluster, ['a', 'b', 'c'], ['d']);
  expect(cluster.get('d').commands).toEqual(['before']);
  change(cluster, ['a', 'b', 'c', 'd']);
  for (const id of ['a', 'b', 'c', 'd']) {
    expect(cluster.get(id).status.membership).toMatchObject({ voters: ['a', 'b', 'c', 'd'], outgoing: null });
  }
});

test('two servers are replaced at once, and neither majority alone decides meanwhile', () => {
  for (const missing of [
    ['b', 'c'],
    ['d', 'e'],
  ]) {
    const cluster = clusterOfThree();
    change(cluster, ['a', 'b', 'c'], ['d', 'e']);
    cluster.passes = ({ from, to }) => !missing.includes(from) && !missing.includes(to);
    change(cluster, ['a', 'd', 'e']);
    cluster.propose('undecided');
    expect(cluster.get('a').commands).toEqual(['before']);
    expect(cluster.leader.status.membership.outgoing).toEqual(['a', 'b', 'c']);
    cluster.heal();
    cluster.run(3);
    expect(cluster.get('a').commands).toEqual(['before', 'undecided']);
    expect(cluster.leader.status.membership).toMatchObject({ voters: ['a', 'd', 'e'], outgoing: null });
  }
});

test('the leader removes itself: it leads until that is committed, then hands over (4.2.2)', () => {
  const cluster = clusterOfThree();
  // Nobody campaigns yet: what b and c know in the end, the old leader told them before it stepped down.
  cluster.passes = ({ type }) => type !== 'vote';
  change(cluster, ['b', 'c']);
  expect(cluster.get('a').status).toMatchObject({ role: 'follower' });
  const { applied } = cluster.get('a');
  expect(['b', 'c'].map((id) => cluster.get(id).applied)).toEqual([applied, applied]);
  cluster.heal();
  cluster.run(40);
  expect(cluster.get('a').status.membership.voters).toEqual(['b', 'c']);
  expect(cluster.leader.id).toMatch(/[bc]/);
  cluster.propose('after');
  expect(cluster.get('b').commands).toEqual(['before', 'after']);
  cluster.run(50);
  expect(cluster.get('a').status.role).toBe('follower');
});

test('the leader makes itself a learner', () => {
  const cluster = clusterOfThree();
  change(cluster, ['b', 'c'], ['a']);
  cluster.run(2);
  expect(cluster.leader.id).toMatch(/[bc]/);
  cluster.propose('after');
  expect(cluster.get('a').commands).toEqual(['before', 'after']);
});

test('down to one, and up again', () => {
  const cluster = clusterOfThree();
  change(cluster, ['a']);
  cluster.propose('alone');
  expect(cluster.get('a').commands).toEqual(['before', 'alone']);
  change(cluster, ['a', 'b', 'c']);
  cluster.run(2);
  expect(cluster.get('b').commands).toEqual(['before', 'alone']);
});

test('who is removed is told so, and keeps still', () => {
  const cluster = clusterOfThree();
  change(cluster, ['a', 'b']);
  expect(cluster.get('c').status.membership.voters).toEqual(['a', 'b']);
  expect(cluster.get('c').applied).toBe(cluster.get('a').applied);
  const { term } = cluster.leader.status;
  cluster.run(100);
  expect(cluster.leader.status).toMatchObject({ id: 'a', term });
  expect(cluster.get('c').status).toMatchObject({ role: 'follower', leader: null });
});

test('removed while cut off, it disturbs nobody after the heal (hashicorp/raft#524, etcd-io/etcd#9333)', () => {
  const cluster = clusterOfThree();
  cluster.isolate('c');
  change(cluster, ['a', 'b']);
  cluster.run(200);
  expect(cluster.get('c').status.role).toBe('preCandidate');
  const { term } = cluster.leader.status;
  cluster.heal();
  cluster.run(100);
  expect(cluster.leader.status).toMatchObject({ id: 'a', term });
});

test('a change that was cut off with its leader is rolled back', () => {
  const cluster = clusterOfThree();
  cluster.isolate('a');
  change(cluster, ['a', 'd', 'e']);
  expect(cluster.get('a').status.membership.voters).toEqual(['a', 'd', 'e']);
  cluster.run(40);
  cluster.heal();
  cluster.run(3);
  expect(cluster.get('a').status.membership).toMatchObject({ voters: ['a', 'b', 'c'], outgoing: null });
});

test('… also when it was restarted in between', () => {
  const cluster = clusterOfThree();
  cluster.isolate('a');
  change(cluster, ['a', 'd', 'e']);
  cluster.run(40);
  for (const id of ['a', 'b', 'c']) cluster.restart(id);
  expect(cluster.get('a').status.membership.outgoing).toEqual(['a', 'b', 'c']);
  cluster.run(40);
  cluster.heal();
  cluster.run(3);
  expect(cluster.get('a').status.membership).toMatchObject({ voters: ['a', 'b', 'c'], outgoing: null });
});

test('the leader is lost in the joint phase: the next one ends it', () => {
  const cluster = clusterOfThree();
  change(cluster, ['a', 'b', 'c'], ['d', 'e']);
  cluster.passes = ({ from, to, type }) => !(to === 'a' && type === 'appendAnswer') && from !== 'x';
  change(cluster, ['b', 'd', 'e']);
  expect(cluster.get('a').status.membership.outgoing).not.toBeNull();
  cluster.crash('a');
  cluster.heal();
  cluster.run(60);
  expect(cluster.leader.status.membership).toMatchObject({ voters: ['b', 'd', 'e'], outgoing: null });
});

test('the joint phase does not end while the leadership is handed over: the target shall have everything', () => {
  const cluster = clusterOfThree();
  const { core } = cluster.leader;
  cluster.passes = ({ to, type }) => !(to === 'a' && type === 'appendAnswer');
  change(cluster, ['a', 'b']);
  core.transferLeadership('b');
  cluster.passes = ({ type }) => type !== 'timeoutNow';
  cluster.run(5);
  expect(cluster.get('a').status.membership.outgoing).toEqual(['a', 'b', 'c']);
  expect(cluster.get('a').status.commit).toBe(cluster.get('a').status.lastIndex);
  cluster.run(6);
  expect(cluster.get('a').status.membership).toMatchObject({ voters: ['a', 'b'], outgoing: null });
});

test('all restart in the joint phase', () => {
  const cluster = clusterOfThree();
  change(cluster, ['a', 'b', 'c'], ['d', 'e']);
  cluster.passes = ({ to, type }) => !(to === 'a' && type === 'appendAnswer');
  change(cluster, ['c', 'd', 'e']);
  for (const id of ['a', 'b', 'c', 'd', 'e']) cluster.restart(id);
  cluster.mail = [];
  cluster.heal();
  cluster.run(60);
  expect(cluster.leader.status.membership).toMatchObject({ voters: ['c', 'd', 'e'], outgoing: null });
});

test('only the removed hold the entry that the new voters need: they still campaign for it (4.2.2)', () => {
  const cluster = clusterOfThree();
  change(cluster, ['a', 'b', 'c'], ['d']);
  // The end of the joint phase reaches b and c, and not d, which alone is to decide from there on.
  cluster.passes = ({ to, type }) =>
    to !== 'd' || type !== 'append' || cluster.leader.status.membership.outgoing !== null;
  change(cluster, ['d']);
  expect(cluster.get('b').status.membership).toMatchObject({ voters: ['d'], outgoing: null });
  expect(cluster.get('d').status.membership.outgoing).toEqual(['a', 'b', 'c']);
  for (const id of ['a', 'b', 'c', 'd']) cluster.restart(id);
  cluster.mail = [];
  cluster.heal();
  cluster.run(60);
  expect(cluster.leader.status).toMatchObject({ id: 'd' });
  expect(cluster.leader.status.membership).toMatchObject({ voters: ['d'], outgoing: null });
});

test('removed and added again in one term, with an acknowledgement that was delayed (etcd-io/raft#349)', () => {
  const cluster = clusterOfThree();
  const leaderA = cluster.get('a');
  const [late] = ofType(cluster.get('c').step(lastAppendTo(cluster, 'c')), 'appendAnswer');
  change(cluster, ['a', 'b']);
  cluster.isolate('c');
  change(cluster, ['a', 'b'], ['c']);
  leaderA.step(late!);
  expect(leaderA.status.peers.find(({ id }) => id === 'c')).toMatchObject({ match: 0, state: 'probe' });
});

/** As the leader would have sent it in the session that is now. */
function lastAppendTo(cluster: Cluster, to: string) {
  const { term, lastIndex } = cluster.leader.status;
  return message('append', {
    to,
    from: cluster.leader.id,
    term,
    prevIndex: lastIndex,
    prevTerm: term,
    session: 1,
  });
}
