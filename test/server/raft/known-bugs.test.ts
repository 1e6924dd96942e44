/** Bugs that others had (raft.md 11) and that one core's answers alone do not show; the rest stands beside its subject. */
import { describe, expect, test } from 'vitest';
import type { RaftMessage, ServerId } from '../../../proto/raft.ts';
import { Cluster, message, ofType, type TestServer } from './harness.ts';

const three = ['a', 'b', 'c'];

/** Lets time pass for some only. */
function runOnly(cluster: Cluster, ids: readonly ServerId[], ticks: number): void {
  for (let tick = 0; tick < ticks; tick++) {
    for (const id of ids) cluster.mail.push(...cluster.get(id).tick());
    cluster.settle();
  }
}

function readOn(server: TestServer, context: number, mode: 'index' | 'lease' = 'index'): RaftMessage[] {
  server.core.read(context, mode);
  return server.drain();
}

describe('reads', () => {
  test('a deposed leader with delayed answers confirms nothing that came later (#1 etcd-io/etcd#20418)', () => {
    const cluster = new Cluster(three);
    const a = cluster.electById('a');
    // The first read's round reaches b and c, and their answers stay on the way.
    const delayed: RaftMessage[] = [];
    cluster.passes = (each) => {
      if (each.type === 'heartbeatAnswer') delayed.push(each);
      return each.type !== 'heartbeatAnswer';
    };
    cluster.mail.push(...readOn(a, 1));
    cluster.settle();
    expect(delayed).toHaveLength(2);
    // b and c elect b without a's noticing, and commit.
    cluster.passes = ({ from, to }) => from !== 'a' && to !== 'a';
    runOnly(cluster, ['b', 'c'], 40);
    cluster.propose('newer');
    // The first request is repeated, a second one comes, and then the answers arrive.
    readOn(a, 1);
    readOn(a, 2);
    for (const answer of delayed) a.step(answer);
    expect(a.reads).toEqual([{ context: 1, index: expect.any(Number) }]);
    cluster.heal();
    cluster.run(3);
    expect(a.reads.slice(1)).toEqual([
      { context: 1, index: null },
      { context: 2, index: null },
    ]);
  });

  test('an isolated leader answers no read, and a lease ends before anybody else can lead', () => {
    const cluster = new Cluster(three);
    const a = cluster.electById('a');
    cluster.run(2);
    cluster.isolate('a');
    readOn(a, 1);
    for (let tick = 1; cluster.leaders.length < 2 && a.status.role === 'leader'; tick++) {
      cluster.run(1);
      readOn(a, 100 + tick, 'lease');
    }
    const answered = a.reads.filter(({ index }) => index !== null).map(({ context }) => context);
    expect(answered.length).toBeGreaterThan(0);
    expect(answered.every((context) => context > 100 && context <= 105)).toBe(true);
  });

  test('a voter that restarts right after it vouched for a lease does not end it', () => {
    // c does not hear a; b does, vouches for its lease, restarts, and is asked by c at once.
    const cluster = new Cluster(three);
    const a = cluster.electById('a');
    cluster.passes = ({ from, to }) => !(from === 'a' && to === 'c') && !(from === 'c' && to === 'a');
    cluster.run(30);
    expect(cluster.get('c').status.role).toBe('preCandidate');
    cluster.get('b').restart({ quietTicks: 10 });
    runOnly(cluster, ['c'], 40);
    expect(cluster.get('c').status.role).toBe('preCandidate');
    readOn(a, 1, 'lease');
    expect(a.reads).toEqual([{ context: 1, index: a.status.commit }]);
  });
});

describe('servers that come and go', () => {
  test('one that was cut off for a hundred timeouts ends no leadership (#11 etcd-io/etcd#9333)', () => {
    const cluster = new Cluster(three);
    cluster.electById('a');
    const { term } = cluster.leader.status;
    cluster.isolate('c');
    cluster.run(1000);
    expect(cluster.get('c').status.term).toBe(term);
    cluster.heal();
    cluster.run(30);
    expect(cluster.leader.status).toMatchObject({ id: 'a', term });
    expect(cluster.get('c').status).toMatchObject({ role: 'follower', leader: 'a', term });
  });

  test('one that is ahead in terms is freed with one election', () => {
    const cluster = new Cluster(three);
    cluster.electById('a');
    cluster.isolate('c');
    cluster.get('c').step(message('voteAnswer', { to: 'c', term: 40, granted: false }));
    cluster.heal();
    cluster.run(60);
    expect(cluster.leaders).toHaveLength(1);
    expect(cluster.up.map(({ status }) => status.term)).toEqual(Array(3).fill(cluster.leader.status.term));
    expect(cluster.leader.status.term).toBe(41);
  });

  test('learner, removed, wiped, added again: its empty disk is filled (#8 etcd-io/etcd#21178)', () => {
    const cluster = new Cluster(three);
    cluster.electById('a');
    cluster.add('d', null);
    const change = (learners: string[]) => {
      cluster.leader.core.changeMembership({ voters: three, learners, addresses: {} });
      cluster.settle();
    };
    change(['d']);
    cluster.propose('x');
    expect(cluster.get('d').commands).toEqual(['x']);
    change([]);
    cluster.add('d', null);
    change(['d']);
    cluster.run(2);
    expect(cluster.get('d').commands).toEqual(['x']);
  });

  test('a wiped follower that is still a member is not killed by what its leader believes of it (#7)', () => {
    const cluster = new Cluster(three);
    cluster.electById('a');
    cluster.propose('x');
    cluster.add('c', null);
    cluster.run(30);
    expect(cluster.get('c').status.commit).toBe(0);
    expect(cluster.leader.id).toBe('a');
  });

  test('a candidate that crashes and comes back shorter is not elected by late answers (#35)', () => {
    const cluster = new Cluster(three);
    cluster.electById('a');
    const c = cluster.get('c');
    c.promptDisk = false;
    cluster.propose('x');
    // c holds x in memory only when it is ordered to campaign; nothing that names x leaves before it is stored.
    const out = c.step(message('timeoutNow', { from: 'a', to: 'c', term: cluster.leader.status.term }));
    expect(c.status).toMatchObject({ role: 'candidate', lastIndex: 3 });
    expect(ofType(out, 'vote')).toEqual([]);
    c.restart();
    expect(c.status).toMatchObject({ role: 'follower', lastIndex: 2 });
  });
});

describe('partial partitions: someone leads wherever a majority hears one another (Howard and Abraham 2020)', () => {
  const five = ['a', 'b', 'c', 'd', 'e'];

  /** Some majority leads, and a write gets through, within a bounded time. */
  function expectLive(cluster: Cluster, ticks = 80): void {
    cluster.run(ticks);
    const { id, term } = cluster.leader.status;
    cluster.propose('alive');
    expect(cluster.leader.commands.at(-1)).toBe('alive');
    cluster.run(100);
    expect(cluster.leader.status).toMatchObject({ id, term });
  }

  test('the leader sends and hears nothing', () => {
    const cluster = new Cluster(five);
    cluster.electById('a');
    cluster.passes = ({ to }) => to !== 'a';
    cluster.run(15);
    expect(cluster.get('a').status.role).not.toBe('leader');
    expectLive(cluster);
  });

  test('the leader hears and sends nothing', () => {
    const cluster = new Cluster(five);
    cluster.electById('a');
    cluster.passes = ({ from }) => from !== 'a';
    expectLive(cluster);
    expect(cluster.leader.id).not.toBe('a');
  });

  test('one server hears nobody and shouts', () => {
    const cluster = new Cluster(five);
    cluster.electById('a');
    const { term } = cluster.leader.status;
    cluster.passes = ({ to }) => to !== 'e';
    expectLive(cluster);
    expect(cluster.leader.status).toMatchObject({ id: 'a', term });
  });

  test('a bridge: only c hears both sides', () => {
    for (const first of five) {
      const cluster = new Cluster(five, { seed: 4 });
      cluster.electById(first);
      const left = ['a', 'b', 'c'];
      const right = ['c', 'd', 'e'];
      cluster.passes = ({ from, to }) =>
        [left, right].some((side) => side.includes(from) && side.includes(to));
      expectLive(cluster);
    }
  });

  test('a ring: with its neighbours each one is a majority of three, not of five', () => {
    const cluster = new Cluster(five, { seed: 4 });
    cluster.electById('a');
    const place = (id: ServerId) => five.indexOf(id);
    cluster.passes = ({ from, to }) => [1, 4].includes((place(from) - place(to) + 5) % 5);
    expectLive(cluster, 200);
  });
});

describe('disks that hang (#21 hashicorp/raft#503, #612, #683)', () => {
  test("the leader's: it steps down, another one leads, and it follows when its disk is back", () => {
    const cluster = new Cluster(three);
    const a = cluster.electById('a');
    a.promptDisk = false;
    cluster.propose('committed by the others');
    cluster.run(9);
    cluster.run(40);
    expect(cluster.leader.id).not.toBe('a');
    cluster.propose('after');
    a.promptDisk = true;
    cluster.mail.push(...a.flush(99), ...a.drain());
    cluster.run(5);
    for (const { commands } of cluster.up) expect(commands).toEqual(['committed by the others', 'after']);
  });

  test("a follower's: nobody else notices, and it catches up", () => {
    const cluster = new Cluster(three);
    cluster.electById('a');
    const c = cluster.get('c');
    c.promptDisk = false;
    for (let i = 0; i < 20; i++) cluster.propose(`${i}`);
    cluster.run(50);
    expect(cluster.leader.id).toBe('a');
    expect(c.status.leader).toBe('a');
    c.promptDisk = true;
    cluster.mail.push(...c.flush(99), ...c.drain());
    cluster.run(3);
    expect(c.commands).toHaveLength(20);
  });
});

describe('flow', () => {
  test('a dead follower under load costs a window and no more; healed, it catches up (#12 etcd-io/etcd#14633)', () => {
    const cluster = new Cluster(three, { limits: { inflightMax: 4 } });
    cluster.electById('a');
    let toC = 0;
    cluster.passes = ({ to, type }) => {
      if (to === 'c' && type === 'append') toC++;
      return to !== 'c';
    };
    for (let i = 0; i < 500; i++) cluster.propose(`${i}`);
    // The window, and until it was full an empty append for each new commit.
    expect(toC).toBeLessThanOrEqual(8);
    cluster.heal();
    cluster.run(5);
    expect(cluster.get('c').commands).toHaveLength(500);
  });

  test('snapshot at the end of the log, no traffic after it (#14 etcd-io/etcd#10308)', () => {
    const cluster = new Cluster(three);
    const a = cluster.electById('a');
    cluster.isolate('c');
    cluster.propose('x');
    a.compact();
    cluster.heal();
    cluster.run(4);
    expect(cluster.get('c').status).toMatchObject({ commit: a.status.commit, lastIndex: a.status.lastIndex });
    expect(a.status.peers.find(({ id }) => id === 'c')).toMatchObject({ state: 'replicate' });
  });

  test('a snapshot for a follower whose tail contradicts it: a few messages, no loop (#19 hashicorp/raft#697)', () => {
    const cluster = new Cluster(three);
    const a = cluster.electById('a');
    cluster.isolate('a');
    for (let i = 0; i < 8; i++) a.propose(`lost ${i}`);
    cluster.run(40);
    for (let i = 0; i < 3; i++) cluster.propose(`kept ${i}`);
    for (const id of ['b', 'c']) cluster.get(id).compact();
    let messages = 0;
    cluster.heal();
    cluster.passes = ({ type }) =>
      type === 'heartbeat' || type === 'heartbeatAnswer' ? true : messages++ >= 0;
    cluster.run(10);
    expect(messages).toBeLessThan(20);
    expect(a.status).toMatchObject({
      commit: cluster.leader.status.commit,
      lastIndex: cluster.leader.status.lastIndex,
    });
  });
});

test('leadership without a target goes to no learner: there is none to ask for (#24 hashicorp/consul#7031)', () => {
  const cluster = new Cluster(['a', 'b']);
  cluster.electById('a');
  cluster.add('d', null);
  cluster.leader.core.changeMembership({ voters: ['a', 'b'], learners: ['d'], addresses: {} });
  cluster.settle();
  expect(cluster.leader.core.transferLeadership('d')).toBe('notVoter');
});
