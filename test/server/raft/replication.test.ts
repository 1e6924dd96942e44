import { describe, expect, test } from 'vitest';
import type { AppendRequest } from '../../../proto/raft.ts';
import { follower, leader, message, ofType, type SingleStart, type TestServer } from './harness.ts';

/** A leader of term 2 over `a, b, c`, whose entries 1 … log.length + 1 both followers hold. */
function leading(start: SingleStart = {}): TestServer {
  const server = leader({ log: [1], ...start });
  acknowledgeAll(server, server.status.lastIndex);
  return server;
}

function acknowledgeAll(server: TestServer, index: number, from: readonly string[] = ['b', 'c']): void {
  for (const each of from) {
    server.step(message('appendAnswer', { from: each, term: server.status.term, index }));
  }
}

/** Range of entries in each append to `to`: [first, last], or [prev] when it is empty. */
function ranges(out: readonly { type: string }[], to = 'b'): number[][] {
  return ofType(out as never, 'append')
    .filter((each) => each.to === to)
    .map(({ entries, prevIndex }: AppendRequest) =>
      entries.length === 0 ? [prevIndex] : [entries[0]!.index, entries.at(-1)!.index],
    );
}

function progressOf(server: TestServer, id = 'b') {
  return server.status.peers.find((peer) => peer.id === id)!;
}

/** Proposes in one turn of the event loop, and returns what leaves then. */
function proposeInOneTurn(server: TestServer, ...texts: string[]) {
  for (const text of texts) server.core.propose([new TextEncoder().encode(text)]);
  return server.drain();
}

describe('probe', () => {
  test('one append, then nothing until it is answered', () => {
    const server = leader({ log: [1] });
    expect(progressOf(server)).toMatchObject({ state: 'probe', match: 0, next: 2 });
    expect(ranges(proposeInOneTurn(server, 'x', 'y'))).toEqual([]);
    expect(ranges(server.tick())).toEqual([]);
  });

  test('an acknowledgement makes it replicate everything that has gathered', () => {
    const server = leader({ log: [1] });
    proposeInOneTurn(server, 'x', 'y');
    const out = server.step(message('appendAnswer', { term: 2, index: 2 }));
    expect(ranges(out)).toEqual([[3, 4]]);
    expect(progressOf(server)).toMatchObject({ state: 'replicate', match: 2, next: 5 });
  });

  test('it is small even when much has gathered: most probes find out where to go on, no more', () => {
    const server = leader({ log: [1] });
    proposeInOneTurn(server, ...Array.from({ length: 10 }, () => 'x'.repeat(20_000)));
    expect(ranges(server.step(message('heartbeatAnswer', { term: 2, round: 1 })))).toEqual([[2, 5]]);
  });

  test('without an answer it is repeated when a heartbeat is answered, not faster', () => {
    const server = leader({ log: [1] });
    expect(ranges(server.step(message('heartbeatAnswer', { term: 2, round: 1 })))).toEqual([[2, 2]]);
    expect(ranges(server.tick())).toEqual([]);
  });

  test('a refusal is followed by a probe at the hint', () => {
    const server = leader({ log: [1, 1, 2, 2, 2, 5, 5] });
    const refusal = { term: 6, rejected: true, index: 7, hintIndex: 6, hintTerm: 3 };
    const [append] = ofType(server.step(message('appendAnswer', refusal)), 'append');
    expect(append).toMatchObject({ to: 'b', prevIndex: 5, prevTerm: 2 });
    expect(append!.entries.map(({ index }) => index)).toEqual([6, 7, 8]);
  });
});

describe('replicate', () => {
  test('all proposals of one turn make one write and one append to each follower', () => {
    const server = leading();
    server.promptDisk = false;
    const out = proposeInOneTurn(server, 'x', 'y', 'z');
    expect(ranges(out, 'b')).toEqual([[3, 5]]);
    expect(ranges(out, 'c')).toEqual([[3, 5]]);
    expect(server.pending).toHaveLength(1);
  });

  test('appends leave before the own disk has the entries (10.2.1), which it does not count until then (3.1)', () => {
    const server = leading();
    server.promptDisk = false;
    expect(ranges(proposeInOneTurn(server, 'x'))).toEqual([[3, 3]]);
    acknowledgeAll(server, 3, ['b']);
    expect(server.status.commit).toBe(2);
    server.flush(1);
    expect(server.status.commit).toBe(3);
  });

  test('appends do not wait for answers, up to the window by number', () => {
    const server = leading({ limits: { inflightMax: 3, uncommittedBytesMax: 10_000 } });
    const out = Array.from({ length: 5 }, (_, i) => ranges(proposeInOneTurn(server, `command ${i}`)));
    expect(out).toEqual([[[3, 3]], [[4, 4]], [[5, 5]], [], []]);
    expect(ranges(server.step(message('appendAnswer', { term: 2, index: 4 })))).toEqual([[6, 7]]);
  });

  test('… and by bytes', () => {
    const server = leading({ limits: { inflightBytesMax: 100 } });
    const out = Array.from({ length: 3 }, () => ranges(proposeInOneTurn(server, 'x'.repeat(60))));
    expect(out).toEqual([[[3, 3]], [[4, 4]], []]);
  });

  test('a message is bounded in bytes, and one larger entry goes alone', () => {
    const server = leading({ limits: { appendBytesMax: 100 } });
    const out = proposeInOneTurn(server, 'a', 'b', 'c', 'x'.repeat(500), 'd');
    expect(ranges(out)).toEqual([
      [3, 5],
      [6, 6],
      [7, 7],
    ]);
  });

  test('with a full window a heartbeat answer brings an empty append, which finds out what was lost (etcd#14633)', () => {
    const server = leading({ limits: { inflightMax: 1 } });
    proposeInOneTurn(server, 'lost');
    proposeInOneTurn(server, 'waits');
    server.tick();
    const out = server.step(message('heartbeatAnswer', { term: 2, round: 1 }));
    expect(ranges(out)).toEqual([[3]]);
    const refusal = { term: 2, rejected: true, index: 3, hintIndex: 2, hintTerm: 2 };
    expect(ranges(server.step(message('appendAnswer', refusal)))).toEqual([[3, 4]]);
    expect(progressOf(server).state).toBe('probe');
  });

  test('a follower that has everything gets no empty append', () => {
    const server = leading();
    server.tick();
    expect(server.step(message('heartbeatAnswer', { term: 2, round: 1 }))).toEqual([]);
  });

  test('a new commit is told at once', () => {
    const server = leading();
    proposeInOneTurn(server, 'x');
    const out = ofType(server.step(message('appendAnswer', { term: 2, index: 3 })), 'append');
    expect(out).toMatchObject([
      { to: 'b', prevIndex: 3, entries: [], commit: 3 },
      { to: 'c', prevIndex: 3, entries: [], commit: 3 },
    ]);
  });

  test('while a write of the leader is under way, a new commit waits for what follows it', () => {
    const server = leading();
    proposeInOneTurn(server, 'x');
    server.promptDisk = false;
    proposeInOneTurn(server, 'y');
    expect(server.step(message('appendAnswer', { term: 2, index: 3 }))).toEqual([]);
    expect(server.status.commit).toBe(3);
    expect(ofType(server.flush(1), 'append')).toMatchObject([
      { to: 'b', entries: [], commit: 3 },
      { to: 'c', entries: [], commit: 3 },
    ]);
  });

  test('reported unreachable it is probed; alive again it replicates, also when nothing new is to be sent', () => {
    const server = leading();
    server.core.unreachable('b');
    expect(ranges(server.drain())).toEqual([[2]]);
    server.core.unreachable('b');
    expect(server.drain()).toEqual([]);
    proposeInOneTurn(server, 'x');
    expect(progressOf(server)).toMatchObject({ state: 'probe', match: 2, next: 3 });
    expect(ranges(server.step(message('heartbeatAnswer', { term: 2, round: 1 })))).toEqual([[3, 3]]);
    server.step(message('appendAnswer', { term: 2, index: 3 }));
    expect(progressOf(server)).toMatchObject({ state: 'replicate', match: 3 });
  });

  test('a delayed refusal after the acknowledgement changes nothing', () => {
    const server = leading();
    server.step(message('appendAnswer', { term: 2, rejected: true, index: 1, hintIndex: 0, hintTerm: 0 }));
    expect(progressOf(server)).toMatchObject({ state: 'replicate', match: 2, next: 3 });
  });

  test('entries that must be read from disk first hold up their follower only', () => {
    const server = leader({ log: [1, 1, 1, 1] });
    server.disk.coldTo = 3;
    const refusal = { term: 2, rejected: true, index: 4, hintIndex: 1, hintTerm: 1 };
    expect(ranges(server.step(message('appendAnswer', refusal)))).toEqual([]);
    acknowledgeAll(server, 5, ['c']);
    expect(ranges(proposeInOneTurn(server, 'x'), 'c')).toEqual([[6, 6]]);
    server.disk.coldTo = 0;
    server.core.loaded();
    expect(ranges(server.drain(), 'b')).toEqual([[2, 6]]);
  });
});

describe('heartbeats', () => {
  test('go to everybody in sorted order, with no more commit than the receiver is known to hold', () => {
    const server = leader({ log: [1], voters: ['a', 'c', 'b'], learners: ['d'] });
    acknowledgeAll(server, 2, ['c']);
    expect(server.tick()).toMatchObject([
      { type: 'heartbeat', to: 'b', commit: 0, round: 1 },
      { type: 'heartbeat', to: 'c', commit: 2, round: 1 },
      { type: 'heartbeat', to: 'd', commit: 0, round: 1 },
    ]);
  });

  test('keep their interval', () => {
    const server = leader({ log: [1], limits: { electionTicks: 10, heartbeatTicks: 3 } });
    const ticks = [1, 2, 3, 4, 5, 6].map(() => ofType(server.tick(), 'heartbeat').length);
    expect(ticks).toEqual([0, 0, 2, 0, 0, 2]);
  });
});

describe('snapshot', () => {
  /** A leader whose log begins behind what `b` needs. */
  function compacted(start: SingleStart = {}) {
    const server = leading({ log: [1, 1, 1], ...start });
    server.compact();
    server.core.unreachable('b');
    server.drain();
    return server;
  }

  const refusal = { term: 2, rejected: true, index: 4, hintIndex: 1, hintTerm: 1 };

  /** `b` is a server that was just added and holds nothing. */
  function needy() {
    const server = leader({ log: [1, 1, 1], commit: 3 });
    acknowledgeAll(server, 4, ['c']);
    server.compact();
    const out = server.step(message('appendAnswer', { ...refusal, index: 3 }));
    return { server, offers: ofType(out, 'snapshot') };
  }

  test('is offered to a follower that needs what was compacted away, and nothing else is sent to it', () => {
    const { server, offers } = needy();
    expect(offers).toMatchObject([{ to: 'b', meta: { index: 4, term: 2 } }]);
    expect(progressOf(server).state).toBe('snapshot');
    expect(ranges(proposeInOneTurn(server, 'x'))).toEqual([]);
    expect(ranges(server.tick().concat(server.step(message('heartbeatAnswer', { term: 2 }))))).toEqual([]);
  });

  test('its acknowledgement ends it, also when there is nothing more to send (etcd-io/etcd#10308)', () => {
    const { server } = needy();
    server.step(message('appendAnswer', { term: 2, index: 4 }));
    expect(progressOf(server)).toMatchObject({ state: 'replicate', match: 4, next: 5 });
  });

  test('any acknowledgement that reaches what is left of the log ends it', () => {
    const server = leader({ log: [1, 1, 1], commit: 3 });
    acknowledgeAll(server, 4, ['c']);
    server.compact(2);
    server.step(message('appendAnswer', { ...refusal, index: 3, hintIndex: 0, hintTerm: 0 }));
    expect(progressOf(server).state).toBe('snapshot');
    server.step(message('appendAnswer', { term: 2, index: 1 }));
    expect(progressOf(server).state).toBe('snapshot');
    expect(ranges(server.step(message('appendAnswer', { term: 2, index: 2 })))).toEqual([[3, 4]]);
    expect(progressOf(server).state).toBe('replicate');
  });

  test('the offer is repeated each election timeout, and one that takes too long is replaced by the newest', () => {
    const { server } = needy();
    const offered: number[] = [];
    const alive = (from: string) => message('heartbeatAnswer', { term: 2, from });
    for (let tick = 1; tick <= 600; tick++) {
      const out = server.tick();
      for (const from of ['b', 'c']) out.push(...server.step(alive(from)));
      offered.push(...ofType(out, 'snapshot').map(({ meta }) => meta.index));
      if (tick === 300) {
        proposeInOneTurn(server, 'x');
        acknowledgeAll(server, 5, ['c']);
        server.compact();
      }
    }
    expect(offered).toEqual([...Array(59).fill(4), 5]);
  });

  test('after a failure it is offered again when the follower gives a sign of life', () => {
    const { server } = needy();
    server.core.snapshotSent('b', false);
    expect(server.drain()).toEqual([]);
    expect(ofType(server.step(message('heartbeatAnswer', { term: 2 })), 'snapshot')).toHaveLength(1);
  });

  test('sent, it is given time to be installed; the acknowledgement ends it', () => {
    const { server } = needy();
    server.core.snapshotSent('b', true);
    expect(server.tick().concat(server.step(message('heartbeatAnswer', { term: 2 })))).toHaveLength(2);
    expect(progressOf(server).state).toBe('snapshot');
    server.step(message('appendAnswer', { term: 2, index: 4 }));
    expect(progressOf(server).state).toBe('replicate');
  });

  test('a silent follower is not worth one', () => {
    const { server } = needy();
    server.step(message('appendAnswer', { term: 2, index: 4 }));
    for (let tick = 0; tick < 10; tick++) {
      server.tick();
      server.step(message('heartbeatAnswer', { term: 2, from: 'c' }));
    }
    proposeInOneTurn(server, 'x', 'y');
    acknowledgeAll(server, 6, ['c']);
    server.compact();
    server.core.unreachable('b');
    expect(ofType(server.drain(), 'snapshot')).toEqual([]);
  });

  test('the log is compacted while the window to a slow follower is full (etcd-io/raft#31)', () => {
    const server = leading({ limits: { inflightMax: 1 } });
    proposeInOneTurn(server, 'x');
    proposeInOneTurn(server, 'y');
    acknowledgeAll(server, 4, ['c']);
    server.compact();
    server.tick();
    expect(ofType(server.step(message('heartbeatAnswer', { term: 2 })), 'snapshot')).toHaveLength(1);
    expect(compacted().status.role).toBe('leader');
  });
});

test('an answer of another membership session counts for nothing (tikv/raft-rs#571)', () => {
  const server = leading();
  const [append] = ofType(proposeInOneTurn(server, 'x'), 'append');
  expect(append!.session).toBe(0);
  server.step(message('appendAnswer', { term: 2, index: 3, session: 7 }));
  expect(progressOf(server).match).toBe(2);
  server.step(message('appendAnswer', { term: 2, index: 3, session: 0 }));
  expect(progressOf(server).match).toBe(3);
});

test('a follower echoes the session', () => {
  const [answer] = follower().step(message('append', { session: 12 }));
  expect(answer).toMatchObject({ session: 12 });
});
