/** The door: terms, what is ignored, what a batch holds, what can be seen. */
import { describe, expect, test } from 'vitest';
import type { RaftMessage } from '../../../proto/raft.ts';
import { Raft } from '../../../server/raft/raft.ts';
import { diskOf, follower, leader, membershipOf, message, noJitter, ofType } from './harness.ts';

describe('terms (5.1)', () => {
  test('a higher term is adopted, and the vote goes with the old one', () => {
    const server = follower({ term: 3, vote: 'c' });
    server.step(message('appendAnswer', { term: 5 }));
    expect(server.status).toMatchObject({ role: 'follower', term: 5, vote: null, leader: null });
    expect(server.disk.hardState).toMatchObject({ term: 5, vote: null });
  });

  test.each(['append', 'heartbeat'] as const)('with a leader, when it says so itself (%s)', (type) => {
    const server = follower({ term: 3 });
    server.step(message(type, { term: 5, from: 'c' }));
    expect(server.status).toMatchObject({ term: 5, leader: 'c' });
  });

  test.each(['append', 'heartbeat', 'appendAnswer', 'heartbeatAnswer', 'read'] as const)(
    'a leader or candidate that sees a higher term (%s) follows',
    (type) => {
      const candidate = follower();
      candidate.tick(10);
      for (const server of [leader(), candidate]) {
        server.step(message(type, { term: 9 }));
        expect(server.status).toMatchObject({ role: 'follower', term: 9 });
      }
    },
  );

  test('an old leader is told of our term, or a server that got ahead would be stuck', () => {
    const server = follower({ term: 5 });
    const meta = { index: 3, term: 1, membership: membershipOf(['a']), membershipIndex: 0 };
    for (const old of [
      message('append', { term: 4, prevIndex: 2 }),
      message('heartbeat', { term: 4 }),
      message('snapshot', { term: 4, meta }),
    ]) {
      expect(server.step(old)).toMatchObject([{ to: 'b', term: 5 }]);
    }
    expect(server.status).toMatchObject({ leader: null, term: 5 });
  });

  test('an answer that names a new term waits until the term is on disk', () => {
    const server = follower({ term: 1 });
    server.promptDisk = false;
    expect(server.step(message('heartbeat', { term: 2 }))).toEqual([]);
    expect(server.flush(1)).toMatchObject([{ type: 'heartbeatAnswer', term: 2 }]);
    server.step(message('append', { term: 2, entries: [] }));
    expect(server.step(message('heartbeat', { term: 2 }))).toMatchObject([{ type: 'heartbeatAnswer' }]);
  });

  test('a promise that did not leave before the term rose is not made any more', () => {
    const server = follower({ term: 1 });
    server.core.step(message('vote', { term: 2 }));
    server.core.step(message('heartbeat', { term: 3, from: 'c' }));
    expect(server.drain()).toMatchObject([{ type: 'heartbeatAnswer', term: 3 }]);
  });

  test('late answers of an older term change nothing', () => {
    const server = leader({ term: 4 });
    const before = server.status;
    for (const late of [
      message('appendAnswer', { term: 4, index: 1 }),
      message('heartbeatAnswer', { term: 4 }),
      message('voteAnswer', { term: 4 }),
      message('timeoutNow', { term: 4 }),
      message('read', { term: 4 }),
      message('readAnswer', { term: 4 }),
    ]) {
      expect(server.step(late)).toEqual([]);
    }
    expect(server.status).toEqual(before);
  });

  test('messages for somebody else, or from ourselves, change nothing', () => {
    const server = follower();
    expect(server.step(message('heartbeat', { to: 'z', term: 9 }))).toEqual([]);
    expect(server.step(message('heartbeat', { from: 'a', term: 9 }))).toEqual([]);
    expect(server.status.term).toBe(0);
  });
});

describe('stickiness (6.2, 6.4.1)', () => {
  function led(ticks: number) {
    const server = follower({ log: [1], random: { ...noJitter, unit: () => 0.9 } });
    server.step(message('heartbeat', { from: 'c' }));
    server.tick(ticks);
    return server;
  }

  test.each([false, true])('who hears a leader ignores requests of a higher term (pre-vote: %s)', (pre) => {
    const server = led(9);
    expect(server.step(message('vote', { term: 7, pre, lastIndex: 9, lastTerm: 6 }))).toEqual([]);
    expect(server.status).toMatchObject({ term: 1, vote: null, leader: 'c' });
  });

  test('after an election timeout without it the vote is given', () => {
    const server = led(10);
    const request = message('vote', { term: 7, lastIndex: 9, lastTerm: 6 });
    expect(server.step(request)).toMatchObject([{ granted: true, term: 7 }]);
  });

  test('a leader is not deposed by requests', () => {
    const server = leader({ log: [1] });
    expect(server.step(message('vote', { term: 9, lastIndex: 9, lastTerm: 8 }))).toEqual([]);
    expect(server.status).toMatchObject({ role: 'leader', term: 2 });
  });

  test('but by the order of the leader itself (3.10)', () => {
    const server = led(1);
    const request = message('vote', { term: 2, transfer: true, lastIndex: 1, lastTerm: 1 });
    expect(server.step(request)).toMatchObject([{ granted: true, term: 2 }]);
    const old = leader();
    expect(old.step(message('vote', { term: 9, transfer: true, lastIndex: 1, lastTerm: 1 }))).toMatchObject([
      { granted: true },
    ]);
  });

  test('a pre-vote changes neither term, vote nor timer of who grants it (9.6)', () => {
    const server = led(12);
    const request = message('vote', { term: 7, pre: true, lastIndex: 9, lastTerm: 6 });
    expect(server.step(request)).toMatchObject([{ granted: true, pre: true, term: 7 }]);
    expect(server.status).toMatchObject({ term: 1, vote: null, leader: 'c' });
    server.tick(7);
    expect(server.status.role).toBe('preCandidate');
  });
});

describe('batches', () => {
  test('nothing to do is null, and each thing is handed out once', () => {
    const core = follower({ log: [1] }).core;
    expect(core.ready()).toBeNull();
    core.step(message('append', { prevIndex: 1, prevTerm: 1, commit: 1 }));
    expect(core.ready()).toMatchObject({ changed: { role: 'follower', leader: 'b' }, write: null });
    expect(core.ready()).toBeNull();
  });

  test('a commit alone is no reason to write; it travels with the next write', () => {
    const server = follower({ log: [1, 1] });
    server.promptDisk = false;
    server.step(message('heartbeat', { commit: 2 }));
    expect(server.pending).toEqual([]);
    const entries = [{ index: 3, term: 1, kind: 'noop', data: new Uint8Array() }] as const;
    server.step(message('append', { prevIndex: 2, prevTerm: 1, entries }));
    expect(server.pending.map(({ write }) => write.hardState)).toEqual([{ term: 1, vote: null, commit: 2 }]);
  });

  test('the next batch may be taken while a write is under way', () => {
    const server = follower();
    server.promptDisk = false;
    for (const index of [1, 2]) {
      const entries = [{ index, term: 1, kind: 'noop', data: new Uint8Array() }] as const;
      server.step(message('append', { prevIndex: index - 1, prevTerm: Math.sign(index - 1), entries }));
    }
    expect(server.pending).toHaveLength(2);
    expect(server.flush(1)).toMatchObject([{ index: 1 }]);
    expect(server.flush(1)).toMatchObject([{ index: 2 }]);
  });
});

describe('reads away from the leader', () => {
  test('fail at once without a leader', () => {
    const server = follower();
    server.core.read(1, 'index');
    server.drain();
    expect(server.reads).toEqual([{ context: 1, index: null }]);
  });

  function asking() {
    const server = follower({ log: [1], random: { ...noJitter, unit: () => 0.9 } });
    server.step(message('heartbeat', {}));
    server.core.read(1, 'index');
    const [question] = ofType(server.drain(), 'read');
    return { server, question: question! };
  }

  test('are answered by the leader that was asked, once', () => {
    const { server, question } = asking();
    const { context } = question;
    server.step(message('readAnswer', { from: 'c', context, index: 9 }));
    server.step(message('readAnswer', { context: context - 1, index: 9 }));
    expect(server.reads).toEqual([]);
    server.step(message('readAnswer', { context, index: 1 }));
    server.step(message('readAnswer', { context, index: 1 }));
    expect(server.reads).toEqual([{ context: 1, index: 1 }]);
  });

  test('fail when the leader changes, or does not answer in an election timeout', () => {
    const changed = asking();
    changed.server.step(message('heartbeat', { term: 2, from: 'c' }));
    expect(changed.server.reads).toEqual([{ context: 1, index: null }]);
    const silent = asking();
    silent.server.tick(10);
    expect(silent.server.reads).toEqual([{ context: 1, index: null }]);
  });

  test('a late answer for an earlier life of this process meets no read', () => {
    const { question } = asking();
    const again = follower({ log: [1], random: { ...noJitter, unit: () => 0.3 } });
    again.step(message('heartbeat', {}));
    again.core.read(1, 'index');
    again.drain();
    again.step(message('readAnswer', { context: question.context, index: 0 }));
    expect(again.reads).toEqual([]);
  });
});

test('everything can be seen', () => {
  const server = leader({ log: [1, 1], commit: 1, learners: ['l'] });
  server.step(message('appendAnswer', { term: 2, index: 3 }));
  server.tick();
  expect(server.status).toEqual({
    id: 'a',
    role: 'leader',
    term: 2,
    vote: 'a',
    leader: 'a',
    commit: 3,
    applied: 3,
    lastIndex: 3,
    lastTerm: 2,
    membership: membershipOf(['a', 'b', 'c'], { learners: ['l'] }),
    peers: [
      { id: 'b', match: 3, next: 4, state: 'replicate', voter: true, silentTicks: 1 },
      { id: 'c', match: 0, next: 3, state: 'probe', voter: true, silentTicks: 1 },
      { id: 'l', match: 0, next: 3, state: 'probe', voter: false, silentTicks: 1 },
    ],
  });
});

test.each([
  { what: 'a commit beyond the log', log: [1], hardState: { commit: 2 }, reason: 'commit <= last index' },
  {
    what: 'a term below that of the log',
    log: [3],
    hardState: { term: 2 },
    reason: 'no entry of a later term',
  },
])('a disk with $what does not start, unless it is known to be damaged', ({ log, hardState, reason }) => {
  const disk = diskOf(log, hardState);
  const options = {
    id: 'a',
    random: noJitter,
    log: disk,
    hardState: disk.hardState,
    applied: 0,
    membership: membershipOf(['a']),
    membershipIndex: 0,
  };
  expect(() => new Raft(options)).toThrow(reason);
  const damaged = new Raft({ ...options, mayVote: false });
  for (let tick = 0; tick < 30; tick++) damaged.tick();
  expect(damaged.ready()).toBeNull();
});

test('same inputs, same outputs', () => {
  const play = () => {
    const server = follower({ voters: ['e', 'd', 'c', 'b', 'a'], log: [1, 1] });
    const out: RaftMessage[] = [...server.tick(12)];
    for (const from of ['c', 'e', 'b'])
      out.push(...server.step(message('voteAnswer', { from, term: 2, pre: true })));
    for (const from of ['c', 'e', 'b']) out.push(...server.step(message('voteAnswer', { from, term: 2 })));
    server.propose('x');
    out.push(...server.tick(5));
    return out;
  };
  expect(play()).toEqual(play());
  expect(play().filter(({ type }) => type === 'heartbeat')).toHaveLength(20);
});
