import { describe, expect, test } from 'vitest';
import { encodeMembership } from '../../../server/raft/membership.ts';
import { Cluster, follower, leader, membershipOf, message, ofType, type TestServer } from './harness.ts';

function acknowledge(server: TestServer, from: string, index: number) {
  return server.step(message('appendAnswer', { from, term: server.status.term, index }));
}

function answerRound(server: TestServer, from: string, round: number) {
  return server.step(message('heartbeatAnswer', { from, term: server.status.term, round }));
}

function read(server: TestServer, context: number, mode: 'index' | 'lease' = 'index') {
  server.core.read(context, mode);
  return server.drain();
}

describe('commit (5.3, 5.4.2)', () => {
  test('what a majority of five holds is committed, not what two hold', () => {
    const server = leader({ voters: ['a', 'b', 'c', 'd', 'e'] });
    acknowledge(server, 'b', 1);
    expect(server.status.commit).toBe(0);
    acknowledge(server, 'c', 1);
    expect(server.status.commit).toBe(1);
  });

  test('entries of older terms are committed only together with one of the own (logcabin/logcabin#44)', () => {
    const server = leader({ log: [1, 2, 2] });
    acknowledge(server, 'b', 3);
    acknowledge(server, 'c', 3);
    expect(server.status.commit).toBe(0);
    acknowledge(server, 'b', 4);
    expect(server.status.commit).toBe(4);
    expect(server.applied).toBe(4);
  });

  test('learners do not count', () => {
    const server = leader({ learners: ['l', 'm'] });
    acknowledge(server, 'l', 1);
    acknowledge(server, 'm', 1);
    expect(server.status.commit).toBe(0);
  });

  test('in a joint phase both halves must hold it (4.3)', () => {
    const server = leader({ voters: ['a', 'b', 'c'], outgoing: ['a', 'd', 'e'] });
    acknowledge(server, 'b', 1);
    acknowledge(server, 'c', 1);
    expect(server.status.commit).toBe(0);
    acknowledge(server, 'e', 1);
    expect(server.status.commit).toBe(1);
  });

  test('a leader that is not in the new half does not count itself there (4.2.2)', () => {
    const server = leader({ voters: ['b', 'c'], outgoing: ['a'] });
    acknowledge(server, 'b', 1);
    expect(server.status.commit).toBe(0);
    acknowledge(server, 'c', 1);
    expect(server.status.commit).toBe(1);
  });

  test('an acknowledgement of what the leader never had is a bug', () => {
    expect(() => acknowledge(leader(), 'b', 9)).toThrow('never had');
  });

  test('strangers change nothing', () => {
    const server = leader();
    expect(acknowledge(server, 'x', 1)).toEqual([]);
    expect(answerRound(server, 'x', 1)).toEqual([]);
    expect(server.status.commit).toBe(0);
  });
});

describe('check-quorum (6.2)', () => {
  test('a leader that hears no majority for an election timeout steps down; its term and vote stay', () => {
    const server = leader({ voters: ['a', 'b', 'c', 'd', 'e'] });
    for (let tick = 0; tick < 9; tick++) {
      server.tick();
      answerRound(server, 'b', 1);
    }
    expect(server.status.role).toBe('leader');
    server.tick();
    expect(server.status).toMatchObject({ role: 'follower', leader: null, term: 1, vote: 'a' });
  });

  test('any answer is a sign of life', () => {
    const server = leader();
    for (let tick = 0; tick < 40; tick++) {
      server.tick();
      if (tick % 8 === 0) answerRound(server, 'b', 0);
      if (tick % 8 === 4) server.step(message('appendAnswer', { from: 'c', term: 1, rejected: true }));
    }
    expect(server.status.role).toBe('leader');
  });

  test('a learner is no sign of life', () => {
    const server = leader({ learners: ['l'] });
    for (let tick = 0; tick < 10; tick++) {
      answerRound(server, 'l', 1);
      server.tick();
    }
    expect(server.status.role).toBe('follower');
  });

  test('a voter that was just added counts as heard, or adding it would end the leadership', () => {
    const server = leader({ voters: ['a', 'b'] });
    acknowledge(server, 'b', 1);
    server.tick(9);
    answerRound(server, 'b', 9);
    server.core.changeMembership({ voters: ['a', 'b', 'c', 'd', 'e'], learners: [], addresses: {} });
    server.drain();
    server.tick(1);
    expect(server.status.role).toBe('leader');
  });

  test('in a joint phase both halves must be heard', () => {
    const server = leader({ voters: ['a', 'b', 'c'], outgoing: ['a', 'd', 'e'] });
    for (let tick = 0; tick < 10; tick++) {
      for (const from of ['b', 'c']) answerRound(server, from, 1);
      server.tick();
    }
    expect(server.status.role).toBe('follower');
  });
});

describe('reads (6.4)', () => {
  /** A leader of three, with its first entry committed at 1. */
  function reading() {
    const server = leader();
    acknowledge(server, 'b', 1);
    return server;
  }

  test('the commit is noted at once, confirmed by a round that began after, and answered', () => {
    const server = reading();
    expect(ofType(read(server, 7), 'heartbeat')).toMatchObject([{ round: 1 }, { round: 1 }]);
    server.propose('x');
    acknowledge(server, 'b', 2);
    expect(server.reads).toEqual([]);
    answerRound(server, 'c', 1);
    expect(server.reads).toEqual([{ context: 7, index: 1 }]);
  });

  test('several reads of one turn share a round', () => {
    const server = reading();
    server.core.read(1, 'index');
    server.core.read(2, 'index');
    expect(ofType(server.drain(), 'heartbeat')).toHaveLength(2);
    answerRound(server, 'b', 1);
    expect(server.reads.map(({ context }) => context)).toEqual([1, 2]);
  });

  test('an answer to an earlier round confirms nothing, whatever its context (etcd-io/etcd#20418)', () => {
    const server = reading();
    read(server, 7);
    read(server, 7);
    answerRound(server, 'b', 1);
    expect(server.reads).toEqual([{ context: 7, index: 1 }]);
    answerRound(server, 'c', 1);
    expect(server.reads).toHaveLength(1);
    answerRound(server, 'c', 2);
    expect(server.reads).toHaveLength(2);
  });

  test('a round that nobody sent is no confirmation', () => {
    const server = reading();
    read(server, 7);
    answerRound(server, 'b', 9);
    expect(server.reads).toEqual([]);
  });

  test('a lost round is made good by the next heartbeat', () => {
    const server = reading();
    read(server, 7);
    server.tick();
    answerRound(server, 'b', 2);
    expect(server.reads).toEqual([{ context: 7, index: 1 }]);
  });

  test('a learner confirms nothing; in a joint phase both halves do', () => {
    const server = leader({ learners: ['l'] });
    acknowledge(server, 'b', 1);
    server.core.changeMembership({ voters: ['a', 'd', 'e'], learners: ['l'], addresses: {} });
    server.drain();
    read(server, 7);
    for (const from of ['l', 'b', 'c']) answerRound(server, from, 1);
    expect(server.reads).toEqual([]);
    answerRound(server, 'd', 1);
    expect(server.reads).toHaveLength(1);
  });

  test('a new leader answers nothing before an entry of its term is committed (etcd-io/etcd#7331)', () => {
    const server = leader({ log: [1], commit: 1 });
    for (const mode of ['index', 'lease'] as const) read(server, mode === 'index' ? 1 : 2, mode);
    server.tick();
    answerRound(server, 'b', 1);
    answerRound(server, 'c', 1);
    expect(server.reads).toEqual([]);
    acknowledge(server, 'b', 2);
    answerRound(server, 'b', 2);
    expect(server.reads).toEqual([
      { context: 1, index: 2 },
      { context: 2, index: 2 },
    ]);
  });

  test('a single voter asks nobody', () => {
    const server = leader({ voters: ['a'], learners: ['l'] });
    expect(ofType(read(server, 7), 'heartbeat')).toEqual([]);
    expect(server.reads).toEqual([{ context: 7, index: 1 }]);
  });

  test('a single voter answers what was asked before its first commit', () => {
    const server = follower({ voters: ['a'] });
    server.promptDisk = false;
    server.tick(20);
    // Term and vote are on disk, the first entry of the term is not.
    server.flush(1);
    expect(server.status.role).toBe('leader');
    read(server, 7);
    expect(server.reads).toEqual([]);
    server.flush(1);
    expect(server.reads).toEqual([{ context: 7, index: 1 }]);
  });

  test('reads that wait when the leader steps down fail', () => {
    const server = reading();
    read(server, 7);
    server.step(message('append', { term: 2, prevIndex: 1, prevTerm: 1 }));
    expect(server.reads).toEqual([{ context: 7, index: null }]);
  });

  test('more than the waiting room holds fail at once', () => {
    const server = leader({ limits: { readsMax: 2 } });
    for (const context of [1, 2, 3]) read(server, context);
    expect(server.reads).toEqual([{ context: 3, index: null }]);
  });

  test('with a lease they are answered at once, until it runs out', () => {
    const server = reading();
    server.tick();
    read(server, 1, 'lease');
    expect(server.reads).toEqual([]);
    answerRound(server, 'b', 2);
    expect(server.reads.splice(0)).toEqual([{ context: 1, index: 1 }]);
    server.tick(4);
    read(server, 2, 'lease');
    expect(server.reads.splice(0)).toEqual([{ context: 2, index: 1 }]);
    server.tick(1);
    read(server, 3, 'lease');
    expect(server.reads).toEqual([]);
  });

  test('a pause voids the lease until a round that began after it', () => {
    const server = reading();
    server.tick();
    answerRound(server, 'b', 1);
    server.core.forgetLease();
    read(server, 1, 'lease');
    expect(server.reads).toEqual([]);
    answerRound(server, 'b', 2);
    expect(server.reads).toEqual([{ context: 1, index: 1 }]);
  });

  test('once an election was ordered there is no lease: the order may arrive late, and ignores everybody', () => {
    const server = reading();
    server.core.transferLeadership('b');
    server.drain();
    server.tick();
    answerRound(server, 'b', 1);
    read(server, 1, 'lease');
    expect(server.reads).toEqual([]);
    answerRound(server, 'b', 2);
    expect(server.reads).toEqual([{ context: 1, index: 1 }]);
  });

  test('a follower asks the leader, all reads of a turn with one question', () => {
    const cluster = new Cluster(['a', 'b', 'c']);
    cluster.electById('a');
    const b = cluster.get('b');
    for (const context of [1, 2]) b.core.read(context, 'index');
    const questions = ofType(b.drain(), 'read');
    expect(questions).toHaveLength(1);
    cluster.mail.push(...questions);
    cluster.settle();
    expect(b.reads).toEqual([
      { context: 1, index: cluster.leader.status.commit },
      { context: 2, index: cluster.leader.status.commit },
    ]);
  });

  test('a learner is answered too', () => {
    const server = leader({ learners: ['l'] });
    acknowledge(server, 'b', 1);
    server.step(message('read', { from: 'l', context: 99 }));
    expect(answerRound(server, 'b', 1)).toMatchObject([
      { type: 'readAnswer', to: 'l', context: 99, index: 1 },
    ]);
  });
});

describe('the joint phase ends by itself (4.3)', () => {
  test('as soon as it is committed', () => {
    const server = leader();
    acknowledge(server, 'b', 1);
    server.core.changeMembership({ voters: ['a', 'd', 'e'], learners: [], addresses: {} });
    server.drain();
    acknowledge(server, 'b', 2);
    expect(server.status.membership.outgoing).toEqual(['a', 'b', 'c']);
    acknowledge(server, 'd', 2);
    expect(server.status.membership).toMatchObject({ voters: ['a', 'd', 'e'], outgoing: null });
    expect(server.status.lastIndex).toBe(3);
  });

  test.each([
    ['committed', 2],
    ['uncommitted', 1],
  ])('under a new leader that inherits it %s', (_, commit) => {
    const joint = membershipOf(['a', 'b', 'd'], { outgoing: ['a', 'b', 'c'] });
    const cluster = new Cluster(['a', 'b', 'c']);
    cluster.add('d', null);
    const entry = { index: 2, term: 1, kind: 'membership', data: encodeMembership(joint) } as const;
    for (const id of ['a', 'b', 'c']) {
      const { disk } = cluster.get(id);
      disk.write({
        token: 0,
        cutFrom: null,
        entries: [entry],
        hardState: { term: 1, vote: null, commit },
      });
      cluster.restart(id);
    }
    const { status } = cluster.electById('b');
    expect(status.membership).toMatchObject({ voters: ['a', 'b', 'd'], outgoing: null });
    expect(status.commit).toBe(status.lastIndex);
    expect(cluster.get('d').status.membership).toEqual(status.membership);
  });
});
