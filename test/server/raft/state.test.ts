import { expect, test } from 'vitest';
import { follower, leader, message, randomOf } from './harness.ts';

function ticksToCampaign(seed: number, electionTicks: number): number {
  const server = follower({ random: randomOf(seed), limits: { electionTicks } });
  let ticks = 0;
  while (server.status.role === 'follower') {
    server.tick();
    ticks++;
  }
  return ticks;
}

test('election timeouts lie in [T, 2T), all over it (5.2)', () => {
  const drawn = Array.from({ length: 300 }, (_, seed) => ticksToCampaign(seed, 10));
  const counts = new Map<number, number>();
  for (const ticks of drawn) counts.set(ticks, (counts.get(ticks) ?? 0) + 1);
  expect([...counts.keys()].sort((a, b) => a - b)).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  for (const count of counts.values()) expect(count).toBeGreaterThan(10);
});

test('of five servers less than 30 % of elections begin at the same tick', () => {
  let collisions = 0;
  for (let round = 0; round < 300; round++) {
    const ticks = [1, 2, 3, 4, 5]
      .map((id) => ticksToCampaign(round * 7 + id * 1000, 10))
      .sort((a, b) => a - b);
    if (ticks[0] === ticks[1]) collisions++;
  }
  expect(collisions / 300).toBeLessThan(0.3);
});

test('a refused candidate does not hold us back: the timer runs on', () => {
  const server = follower({ log: [1, 1] });
  server.tick(9);
  server.step(message('vote', { term: 2, lastIndex: 0, lastTerm: 0 }));
  expect(server.status).toMatchObject({ term: 2, vote: null });
  server.tick();
  expect(server.status.role).toBe('preCandidate');
});

test('a granted vote and a message of the leader restart the timer, a granted pre-vote does not', () => {
  const voted = follower();
  voted.tick(9);
  voted.step(message('vote', { term: 1 }));
  voted.tick(9);
  expect(voted.status.role).toBe('follower');

  const led = follower();
  led.tick(9);
  led.step(message('heartbeat', {}));
  led.tick(9);
  expect(led.status.role).toBe('follower');

  const asked = follower();
  asked.tick(9);
  const [answer] = asked.step(message('vote', { term: 1, pre: true }));
  expect(answer).toMatchObject({ type: 'voteAnswer', granted: true });
  asked.tick(1);
  expect(asked.status.role).toBe('preCandidate');
});

test('stepping down within a term keeps the vote (microsoft/CCF#8094)', () => {
  const candidate = follower({ term: 4 });
  candidate.tick(10);
  candidate.step(message('voteAnswer', { term: 5, pre: true }));
  expect(candidate.status).toMatchObject({ role: 'candidate', term: 5, vote: 'a' });
  candidate.step(message('append', { term: 5 }));
  expect(candidate.status).toMatchObject({ role: 'follower', term: 5, vote: 'a', leader: 'b' });
  candidate.tick(10);
  const [answer] = candidate.step(message('vote', { from: 'c', term: 5, lastIndex: 9, lastTerm: 5 }));
  expect(answer).toMatchObject({ type: 'voteAnswer', granted: false });
});

test('a voter campaigns, a learner or a stranger does not, and each gives up a silent leader', () => {
  for (const [voters, learners, role] of [
    [['a', 'b'], [], 'preCandidate'],
    [['b', 'c'], ['a'], 'follower'],
    [['b', 'c'], [], 'follower'],
    [[], [], 'follower'],
  ] as const) {
    const server = follower({ voters, learners, term: 1 });
    server.step(message('heartbeat', {}));
    expect(server.status.leader).toBe('b');
    server.tick(25);
    expect(server.status).toMatchObject({ role, leader: null, term: 1 });
  }
});

test('a disk that hangs makes no leader: a stuck server does not campaign', () => {
  const server = follower();
  server.promptDisk = false;
  server.step(message('append', { entries: [{ index: 1, term: 1, kind: 'noop', data: new Uint8Array() }] }));
  server.tick(30);
  expect(server.status).toMatchObject({ role: 'follower', leader: null });
  server.flush(9);
  server.tick();
  expect(server.status.role).toBe('preCandidate');
});

test('a leader whose oldest write takes an election timeout stops its heartbeats and steps down', () => {
  const server = leader({ log: [1] });
  server.promptDisk = false;
  server.propose('never stored');
  for (let ticks = 1; ticks < 10; ticks++) {
    const out = server.tick();
    expect(out.filter(({ type }) => type === 'heartbeat')).toHaveLength(2);
    for (const from of ['b', 'c']) server.step(message('heartbeatAnswer', { from, term: 2, round: 1 }));
  }
  expect(server.tick()).toEqual([]);
  expect(server.status).toMatchObject({ role: 'follower', leader: null, term: 2, vote: 'a' });
});

test('who steps down waits a whole timeout before it campaigns again, however long it took to be elected', () => {
  const server = follower({ voters: ['a', 'b', 'c', 'd', 'e'] });
  server.tick(10);
  for (const from of ['b', 'c']) server.step(message('voteAnswer', { from, term: 1, pre: true }));
  server.tick(9);
  for (const from of ['b', 'c']) server.step(message('voteAnswer', { from, term: 1 }));
  expect(server.status.role).toBe('leader');
  server.step(message('appendAnswer', { term: 2 }));
  server.tick(9);
  expect(server.status.role).toBe('follower');
  server.tick(1);
  expect(server.status.role).toBe('preCandidate');
});

test('withheld votes after a restart: quiet for an election timeout, then as ever', () => {
  const server = follower({ quietTicks: 10, random: { ...randomOf(1), unit: () => 0.9 } });
  expect(server.step(message('vote', { term: 3 }))).toEqual([]);
  server.tick(9);
  expect(server.step(message('vote', { term: 3, pre: true }))).toEqual([]);
  server.tick(1);
  expect(server.step(message('vote', { term: 3 }))).toMatchObject([{ granted: true, term: 3 }]);
});
