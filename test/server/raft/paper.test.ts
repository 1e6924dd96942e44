/** A walk through the Raft paper (sections in the titles are the paper's) and what raft.md 9 makes of the product texts. */
import { describe, expect, test } from 'vitest';
import type { RaftMessage, ServerId } from '../../../proto/raft.ts';
import { Cluster, follower, leader, message, ofType, type TestServer } from './harness.ts';

const five = ['a', 'b', 'c', 'd', 'e'];

/** A cluster whose servers are in one term and hold commands of these terms, as figures 7 and 8 draw them. */
function drawn(term: number, logs: Record<ServerId, readonly number[]>) {
  const ids = Object.keys(logs);
  const cluster = new Cluster(ids);
  for (const [id, log] of Object.entries(logs)) {
    cluster.servers.set(id, follower({ id, voters: ids, log, term }));
  }
  return cluster;
}

function termsOf(server: TestServer): number[] {
  return server.disk.entries.map(({ term }) => term);
}

describe('5.2 leader election', () => {
  test('servers begin as followers, and one of them becomes the leader of all', () => {
    const cluster = new Cluster(five, { seed: 3 });
    expect(cluster.up.map(({ status }) => status.role)).toEqual(Array(5).fill('follower'));
    cluster.run(25);
    const { id, term } = cluster.leader.status;
    expect(cluster.up.map(({ status }) => [status.leader, status.term])).toEqual(Array(5).fill([id, term]));
  });

  test('a leader keeps its place with heartbeats', () => {
    const cluster = new Cluster(five, { seed: 3 });
    cluster.run(25);
    const { id, term } = cluster.leader.status;
    cluster.run(300);
    expect(cluster.leader.status).toMatchObject({ id, term });
  });

  test('nobody wins a split vote, and a new round decides', () => {
    const cluster = new Cluster(['a', 'b', 'c', 'd'], { seed: 1 });
    const [a, b] = [cluster.get('a'), cluster.get('b')];
    const pair: Record<string, string> = { a: 'c', b: 'd' };
    cluster.passes = ({ from, to, type }) => type !== 'vote' || pair[from] === to || pair[to] === from;
    for (const server of [a, b]) server.core.step(message('timeoutNow', { to: server.id, from: 'x' }));
    cluster.settle();
    expect([a, b].map(({ status }) => status)).toMatchObject([
      { role: 'candidate', term: 2 },
      { role: 'candidate', term: 2 },
    ]);
    expect(cluster.leaders).toEqual([]);
    cluster.heal();
    cluster.run(40);
    expect(cluster.leaders).toHaveLength(1);
    expect(cluster.leader.status.term).toBeGreaterThan(2);
  });
});

describe('5.3 log replication', () => {
  test('what is committed is applied by everybody, in order', () => {
    const cluster = new Cluster(five);
    cluster.run(25);
    for (let i = 0; i < 20; i++) cluster.propose(`${i}`);
    const all = Array.from({ length: 20 }, (_, i) => `${i}`);
    for (const { commands } of cluster.up) expect(commands).toEqual(all);
  });

  test('a follower that was away catches up', () => {
    const cluster = new Cluster(['a', 'b', 'c']);
    cluster.electById('a');
    cluster.crash('c');
    for (let i = 0; i < 50; i++) cluster.propose(`${i}`);
    cluster.restart('c');
    cluster.run(3);
    expect(cluster.get('c').commands).toEqual(cluster.get('a').commands);
  });

  test.each([
    ['a', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ['b', [1, 1, 1, 4]],
    ['c', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ['d', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ['e', [1, 1, 1, 4, 4, 4, 4]],
    ['f', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])('figure 7 (%s): the follower ends with the log of the new leader', (_, log) => {
    const leaderLog = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
    const cluster = drawn(8, { l: leaderLog, x: log, y: leaderLog });
    const refusals: RaftMessage[] = [];
    cluster.passes = (each) => {
      if (each.type === 'appendAnswer' && each.rejected) refusals.push(each);
      return true;
    };
    // Log (d) is longer than the leader's: it has to be kept from campaigning first.
    cluster.get('l').core.step(message('timeoutNow', { to: 'l', term: 8 }));
    cluster.settle();
    expect(cluster.leader.id).toBe('l');
    cluster.run(3);
    expect(termsOf(cluster.get('x'))).toEqual([...leaderLog, 9]);
    const terms = new Set([...leaderLog, ...log]).size;
    expect(refusals.length).toBeLessThanOrEqual(terms);
  });

  test('tails of thousands are skipped with at most one refusal for each term (microsoft/CCF#2803)', () => {
    const common = Array(10).fill(1);
    const mine = [...common, ...Array(3000).fill(2), ...Array(2000).fill(5)];
    const theirs = [...common, ...Array(1500).fill(3), ...Array(2500).fill(4)];
    const cluster = drawn(6, { l: mine, x: theirs, y: mine });
    let refused = 0;
    cluster.passes = (each) => {
      if (each.type === 'appendAnswer' && each.rejected) refused++;
      return true;
    };
    cluster.get('l').core.step(message('timeoutNow', { to: 'l', term: 6 }));
    cluster.settle();
    expect(termsOf(cluster.get('x'))).toEqual([...mine, 7]);
    expect(refused).toBeLessThanOrEqual(5);
  });
});

describe('5.4 safety', () => {
  test('figure 8: an entry of an older term on a majority is not committed, and may be overwritten', () => {
    // (a) and (b) have happened: s1 wrote entry 2 in term 2, s5 wrote another one in term 3.
    const cluster = drawn(3, { s1: [1, 2], s2: [1, 2], s3: [1], s4: [1], s5: [1, 3] });
    const s1 = cluster.get('s1');
    // (c) s1 leads in term 4 and brings entry 2 to s3; its own entry of term 4 reaches nobody.
    cluster.passes = ({ type, to }) => type !== 'append' && to !== 's5';
    s1.core.step(message('timeoutNow', { to: 's1', term: 3 }));
    cluster.settle();
    expect(s1.status).toMatchObject({ role: 'leader', term: 4, commit: 0 });
    const { entries } = s1.disk;
    const onlyEntry2 = message('append', {
      ...{ from: 's1', to: 's3', term: 4, prevIndex: 1, prevTerm: 1 },
      entries: [entries[1]!],
    });
    for (const answer of cluster.get('s3').step(onlyEntry2)) s1.step(answer);
    s1.step(message('appendAnswer', { from: 's2', to: 's1', term: 4, index: 2 }));
    expect(s1.status.peers.filter(({ match }) => match === 2)).toHaveLength(2);
    expect(s1.status.commit).toBe(0);
    // (d) s1 crashes; s5 is elected by s3 and s4 and overwrites entry 2 with that of term 3.
    cluster.crash('s1');
    cluster.crash('s2');
    cluster.mail = [];
    cluster.heal();
    const s5 = cluster.get('s5');
    s5.step(message('appendAnswer', { to: 's5', term: 4 }));
    s5.core.step(message('timeoutNow', { to: 's5', term: 4 }));
    cluster.settle();
    expect(s5.status).toMatchObject({ role: 'leader', term: 5 });
    for (const id of ['s3', 's4', 's5']) expect(termsOf(cluster.get(id)).slice(0, 2)).toEqual([1, 3]);
    cluster.restart('s1');
    cluster.restart('s2');
    cluster.run(3);
    for (const { disk, applied } of cluster.up) {
      expect(disk.term(2)).toBe(3);
      expect(applied).toBe(3);
    }
  });

  test('figure 8 (e): with an entry of its own term on a majority, entry 2 is committed for good', () => {
    const cluster = drawn(3, { s1: [1, 2], s2: [1, 2], s3: [1], s4: [1], s5: [1, 3] });
    cluster.passes = ({ from, to }) => ![from, to].some((id) => id === 's4' || id === 's5');
    cluster.electById('s1');
    expect(cluster.get('s1').status.commit).toBe(3);
    cluster.crash('s1');
    cluster.heal();
    for (let round = 0; round < 20; round++) {
      cluster.run(10);
      expect(cluster.get('s5').status.role).not.toBe('leader');
    }
    expect(termsOf(cluster.get('s5')).slice(0, 3)).toEqual([1, 2, 4]);
  });

  test('5.4.1: who lacks a committed entry is not elected', () => {
    const cluster = new Cluster(['a', 'b', 'c']);
    cluster.electById('a');
    cluster.isolate('c');
    cluster.propose('committed');
    cluster.crash('a');
    cluster.heal();
    cluster.run(60);
    expect(cluster.leader.id).toBe('b');
    expect(cluster.get('c').commands).toEqual(['committed']);
  });
});

describe('5.5 crashes', () => {
  test('appends are idempotent: each one delivered three times, in two orders', () => {
    const source = leader({ log: [1, 1] });
    source.step(message('appendAnswer', { term: 2, index: 3 }));
    const appends: RaftMessage[] = [];
    for (const text of ['x', 'y', 'z']) {
      source.core.propose([new TextEncoder().encode(text)]);
      appends.push(...ofType(source.drain(), 'append').filter(({ to }) => to === 'b'));
    }
    expect(appends).toHaveLength(3);
    const server = follower({ id: 'b', log: [1, 1] });
    const first = message('append', {
      ...{ from: 'a', to: 'b', term: 2, prevIndex: 2, prevTerm: 1 },
      entries: source.disk.entries.slice(2, 3),
    });
    for (const each of [first, ...appends, ...appends, first, ...[...appends].reverse()]) server.step(each);
    expect(termsOf(server)).toEqual(termsOf(source));
  });

  test('everybody restarts in the middle of elections: one vote a term, nothing lost (bakwc/PySyncObj#202)', () => {
    const cluster = new Cluster(['a', 'b', 'c'], { seed: 9 });
    cluster.run(25);
    cluster.propose('kept');
    for (let round = 0; round < 30; round++) {
      cluster.run(round % 13);
      for (const id of ['a', 'b', 'c']) cluster.restart(id);
    }
    cluster.run(40);
    cluster.propose('and more');
    for (const { commands } of cluster.up) expect(commands).toEqual(['kept', 'and more']);
  });
});

describe('an old leader returns (raft.md 9)', () => {
  test('it steps down, and what it could not commit is gone where the new leader has something else', () => {
    const cluster = new Cluster(['a', 'b', 'c']);
    cluster.electById('a');
    cluster.isolate('a');
    cluster.propose('never committed');
    cluster.run(40);
    cluster.propose('by the new leader');
    cluster.heal();
    cluster.run(3);
    expect(cluster.get('a').status).toMatchObject({ role: 'follower', leader: cluster.leader.id });
    for (const { commands } of cluster.up) expect(commands).toEqual(['by the new leader']);
  });

  test('its log is not cut at step-down: an entry may be committed without its knowing', () => {
    // A commits X with B and crashes. B becomes leader, does not know yet that X is committed, and sees a higher term.
    const cluster = new Cluster(['a', 'b', 'c']);
    cluster.electById('a');
    cluster.isolate('c');
    cluster.passes = ({ from, to, type, ...rest }) =>
      from !== 'c' && to !== 'c' && !(to === 'b' && 'commit' in rest && rest.commit > 2);
    cluster.propose('X');
    expect(cluster.get('a').commands).toEqual(['X']);
    expect(cluster.get('b').commands).toEqual([]);
    cluster.crash('a');
    cluster.passes = ({ type }) => type !== 'append';
    cluster.run(40);
    expect(cluster.leader.id).toBe('b');
    const { term } = cluster.leader.status;
    cluster.get('b').step(message('appendAnswer', { from: 'c', to: 'b', term: term + 1, rejected: true }));
    expect(cluster.get('b').status).toMatchObject({ role: 'follower', term: term + 1 });
    cluster.heal();
    cluster.run(60);
    expect(cluster.leader.id).toBe('b');
    expect(cluster.get('c').commands).toEqual(['X']);
  });
});

describe('five servers in data centres of three and two that lose each other (raft.md 9)', () => {
  const big = ['a', 'b', 'c'];
  const small = ['d', 'e'];

  test('the leader is on the side of three: it goes on, and the other side elects nobody and raises no term', () => {
    const cluster = new Cluster(five);
    cluster.electById('a');
    const { term } = cluster.leader.status;
    cluster.partition(big, small);
    cluster.run(100);
    cluster.propose('x');
    expect(cluster.get('c').commands).toEqual(['x']);
    for (const id of small) expect(cluster.get(id).status).toMatchObject({ leader: null, term });
    cluster.heal();
    cluster.run(3);
    expect(cluster.leader.status).toMatchObject({ id: 'a', term });
    expect(cluster.get('e').commands).toEqual(['x']);
  });

  test('the leader is on the side of two: it steps down in time, the others go on, and its tail is gone in the end', () => {
    const cluster = new Cluster(five);
    cluster.electById('d');
    cluster.partition(big, small);
    expect(cluster.get('d').propose('refused side')).toMatchObject({ term: cluster.get('d').status.term });
    cluster.run(20);
    expect(cluster.get('d').status).toMatchObject({ role: 'follower', leader: null });
    expect(cluster.get('d').propose('too late')).toEqual({ refused: 'notLeader', leader: null });
    cluster.run(20);
    cluster.propose('x');
    cluster.heal();
    cluster.run(5);
    for (const { commands } of cluster.up) expect(commands).toEqual(['x']);
  });
});

describe('the points at which a leader can crash (raft.md 9)', () => {
  function crashing(passes: (each: RaftMessage) => boolean) {
    const cluster = new Cluster(five);
    cluster.electById('a');
    cluster.passes = passes;
    cluster.propose('write');
    cluster.crash('a');
    cluster.mail = [];
    cluster.heal();
    cluster.run(60);
    cluster.propose('after');
    cluster.restart('a');
    cluster.run(5);
    return cluster;
  }

  test('2: it logged the write and sent nothing: no trace in the end', () => {
    const cluster = crashing(() => false);
    for (const { commands } of cluster.up) expect(commands).toEqual(['after']);
  });

  test('3: a minority has it: everywhere or nowhere, never half', () => {
    const cluster = crashing(({ to, type }) => to === 'b' && type === 'append');
    const [first, ...others] = cluster.up.map(({ commands }) => commands);
    expect([['after'], ['write', 'after']]).toContainEqual(first);
    for (const commands of others) expect(commands).toEqual(first);
  });

  test('4: a majority has it and nobody was told: it is kept, once', () => {
    const cluster = crashing(({ to, type }) => type === 'append' && to !== 'e');
    for (const { commands } of cluster.up) expect(commands).toEqual(['write', 'after']);
  });
});
