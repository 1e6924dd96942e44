/**
 * What every cluster has to survive, on five real servers and a network that can be cut (raft.md 9). `test/sim/stories.test.ts`
 * tells the same in virtual time. Each story ends in peace: all servers hold the same log, events and catalog.
 *
 * Each write carries an Idempotency-Key, so its client may ask again wherever and as often as it likes. With three servers
 * the third crash point would be the fourth: the leader and one follower are a majority.
 */
import { request } from 'undici';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type TestAgent, until } from './agents.ts';
import { peaceMsMax, RaftStage } from './raft-stage.ts';

let stage: RaftStage;
const hookMsMax = peaceMsMax + 30_000;

beforeAll(async () => {
  stage = await RaftStage.open(5);
}, hookMsMax);

/** The next story begins with a sound cluster, whatever became of this one. */
afterEach(() => stage.peace(), hookMsMax);

afterAll(() => stage.close());

const noAnswer = { status: 0 };
const noLeader = { status: 500, text: 'No cluster leader' };
const unknown = { status: 500, text: 'leadership lost while committing log' };

test('a follower that was away comes back and has the missing entries sent', async () => {
  const leader = await stage.leader();
  const [away] = stage.others(leader) as [TestAgent];
  await away.process.kill();
  for (let n = 1; n <= 20; n++) await stage.written(leader, `away-${n}`);
  away.restart();
  await stage.peace();
  await stage.expectOnce('away-1', 'away-20');
});

test('a leader that was away finds a new one in a higher term, steps down and drops what it could not commit', async () => {
  const { old, others, tag, first } = await stage.takenIn('lost', (leader, rest) => {
    stage.network.split([leader], rest);
    return [leader];
  });
  const { term } = (await stage.raft(old))!;
  const next = await stage.leader(others);
  expect(Number((await stage.raft(next))!.term)).toBeGreaterThan(Number(term));
  await stage.written(next, 'kept');
  await until('the old one has stepped down', async () => (await stage.raft(old))?.state === 'Follower');
  expect(await first).toMatchObject(unknown);
  await stage.peace();
  expect(await stage.countsOf(tag)).toEqual([0, 0, 0, 0, 0]);
  await stage.written(old, tag);
  await stage.peace();
  await stage.expectOnce('kept', tag);
});

test('crash point 1: the leader ends before the write arrives', async () => {
  const old = await stage.leader();
  const others = stage.others(old);
  old.process.signal('SIGSTOP');
  const first = stage.write(old, 'point-1');
  await old.process.kill();
  expect(await first).toMatchObject(noAnswer);
  await stage.written(others[0]!, 'point-1');
  await stage.peace();
  await stage.expectOnce('point-1');
});

test('crash point 2: the leader ends with the write on its disk alone', async () => {
  const { old, others, tag, first } = await stage.takenIn('point-2', (leader, rest) => {
    stage.network.split([leader], rest);
    return [leader];
  });
  await old.process.kill();
  expect(await first).toMatchObject(noAnswer);
  for (const other of others) expect(await stage.holds(other, tag)).toBe(false);
  stage.network.heal();
  await stage.written(others[0]!, tag);
  await stage.peace();
  await stage.expectOnce(tag);
});

test('crash point 3: one follower has the write and leads next, so it is kept', async () => {
  const { old, others, tag, first } = await stage.takenIn('point-3', (leader, [holder, ...rest]) => {
    stage.network.split([leader, holder!], rest);
    return [leader, holder!];
  });
  const [holder, ...rest] = others as [TestAgent, TestAgent, TestAgent, TestAgent];
  await old.process.kill();
  expect(await first).toMatchObject(noAnswer);
  // Each of the others hears the holder only, and none of them can win against its longer log.
  stage.network.heal();
  stage.network.split(...rest.map((other) => [other]));
  expect(await stage.leader(others)).toBe(holder);
  await until('it is committed', async () => (await stage.events(holder)).some(({ Check }) => Check === tag));
  stage.network.heal();
  const again = await stage.written(rest[0]!, tag);
  expect(await stage.written(rest[1]!, tag)).toEqual(again);
  await stage.peace();
  await stage.expectOnce(tag);
});

test('crash point 3: one follower has the write and another one leads next, so it is cut and executed anew', async () => {
  const { old, others, tag, first } = await stage.takenIn('point-3-cut', (leader, [holder, ...rest]) => {
    stage.network.split([leader, holder!], rest);
    return [leader, holder!];
  });
  const [holder, ...rest] = others as [TestAgent, TestAgent, TestAgent, TestAgent];
  await old.process.kill();
  expect(await first).toMatchObject(noAnswer);
  await stage.written(rest[0]!, 'meanwhile');
  await stage.peace();
  expect(await stage.countsOf(tag)).toEqual([0, 0, 0, 0, 0]);
  await stage.written(holder, tag);
  await stage.peace();
  await stage.expectOnce(tag, 'meanwhile');
});

test('crash point 4: a majority has the write and nobody was told', async () => {
  const { old, others, tag, first } = await stage.takenIn('point-4', (leader, rest) => {
    // It is heard and hears nothing, so it never learns that the write is safe.
    for (const other of rest) stage.network.cut(other, leader);
    return rest;
  });
  await old.process.kill();
  expect(await first).toMatchObject(noAnswer);
  stage.network.heal();
  const again = await stage.written(others[0]!, tag);
  expect(await stage.written(others[1]!, tag)).toEqual(again);
  await stage.peace();
  await stage.expectOnce(tag);
});

test('data centres of three and two lose each other, with the leader among the three', async () => {
  const old = await stage.leader();
  const small = stage.others(old).slice(0, 2) as [TestAgent, TestAgent];
  const large = stage.others(...small);
  stage.network.split(large, small);
  await stage.written(old, 'dc-3-large');
  await expectRefusal(small, 'dc-3-small');
  expect(large).toContain(await stage.leader());
  await stage.peace();
  expect(await stage.countsOf('dc-3-small')).toEqual([0, 0, 0, 0, 0]);
  await stage.written(small[0], 'dc-3-small');
  await stage.peace();
  await stage.expectOnce('dc-3-large', 'dc-3-small');
});

test('data centres of three and two lose each other, with the leader among the two', async () => {
  const { old, others, tag, first } = await stage.takenIn('dc-2-tail', (leader, [near, ...rest]) => {
    stage.network.split([leader, near!], rest);
    return [leader, near!];
  });
  const small = [old, others[0]!] as const;
  const next = await stage.leader(others.slice(1));
  await stage.written(next, 'dc-2-large');
  await expectRefusal(small, 'dc-2-small');
  expect(await first).toMatchObject(unknown);
  expect(others.slice(1)).toContain(await stage.leader());
  await stage.peace();
  expect(await stage.countsOf(tag)).toEqual([0, 0, 0, 0, 0]);
  expect(await stage.countsOf('dc-2-small')).toEqual([0, 0, 0, 0, 0]);
  await Promise.all([tag, 'dc-2-small'].map((each) => stage.written(old, each)));
  await stage.peace();
  await stage.expectOnce('dc-2-large', tag, 'dc-2-small');
});

test('nobody wins a vote, and a new round decides', async () => {
  const old = await stage.leader();
  const rest = stage.others(old);
  const [a, b, c, d] = rest as [TestAgent, TestAgent, TestAgent, TestAgent];
  await old.process.kill();
  stage.network.split([a, b], [c, d]);
  // Two of five, twice: round after round ends without a majority.
  await untilNobodyLeads(rest);
  const [write, other] = [stage.write(a, 'no-round'), stage.write(c, 'no-round')];
  expect(await stage.leaderAmong(rest)).toBeUndefined();
  stage.network.heal();
  await Promise.all([write, other, stage.written(b, 'no-round')]);
  const standings = await Promise.all(rest.map((server) => stage.raft(server)));
  expect(standings.filter((raft) => raft?.state === 'Leader')).toHaveLength(1);
  await stage.peace();
  await stage.expectOnce('no-round');
});

/**
 * Without a majority: a write and every read but a stale one are refused within a bounded time, in Consul's words,
 * also one that may be stale, but not so much.
 */
async function expectRefusal(small: readonly [TestAgent, TestAgent], tag: string): Promise<void> {
  await untilNobodyLeads(small);
  const read = async (query: string) => {
    const { statusCode, headers, body } = await request(`${small[0].url}/v1/catalog/nodes${query}`);
    const text = await body.text();
    return statusCode === 200
      ? [headers['x-consul-knownleader'], headers['x-consul-lastcontact']]
      : [statusCode, text];
  };
  const [written, consistent, byDefault, bounded, stale] = await Promise.all([
    stage.write(small[1], tag),
    read('?consistent'),
    read(''),
    read('?max_stale=1ms'),
    read('?max_stale=1h'),
  ]);
  expect(written).toMatchObject(noLeader);
  const refusal = [noLeader.status, noLeader.text];
  expect([consistent, byDefault, bounded]).toEqual([refusal, refusal, refusal]);
  expect(stale).toEqual(['false', expect.stringMatching(/^[1-9]\d+$/)]);
}

function untilNobodyLeads(servers: readonly TestAgent[]): Promise<boolean> {
  return until('nobody leads there', async () => {
    const leaders = await Promise.all(servers.map((server) => server.get<string>('/v1/status/leader')));
    return leaders.every((leader) => leader === '');
  });
}
