/** The stories that every cluster has to survive, told one at a time (raft.md 9). */
import { expect, test } from 'vitest';
import { Stage } from './stage.ts';

/** Two election timeouts: within this time a leader that nobody hears has stepped down. */
const stepDownMs = 4_000;

test.each([
  ['has the missing entries sent', {}],
  ['gets a snapshot', { consensus: { tickMs: 100, trailingEntries: 0, snapshots: { entriesMax: 10 } } }],
])('a follower that was away comes back and %s', async (_, changes) => {
  const stage = await Stage.open('follower away', changes);
  const [away] = stage.followers();
  away!.host.crash('all');
  for (let n = 1; n <= 30; n++) await stage.written(stage.leader, `v${n}`);
  await stage.peace();
  expect(away!.consensus!.fsm.state.catalog.check('ext-1', 'value')?.status).toBe('v30');
});

test('a leader that was away steps down and drops what it could not commit', async () => {
  const stage = await Stage.open('leader away');
  const { leader: old } = stage;
  const term = old.consensus!.replica.standing.term;
  stage.split([old], stage.followers(old));
  const lost = stage.write(old, 'lost');
  await stage.until(() => stage.holds(old, 'lost'));
  await stage.until(() => stage.followers(old).some((server) => server.isLeader));
  expect(stage.leader.consensus!.replica.standing.term).toBeGreaterThan(term);
  await stage.written(stage.leader, 'kept');
  await stage.until(() => !old.isLeader);
  expect(await stage.ended(lost)).toEqual({ failed: 'OUTCOME_UNKNOWN' });
  await stage.peace();
  expect(stage.servers.map((server) => stage.holds(server, 'lost'))).toEqual(stage.servers.map(() => false));
  // The same write again, anywhere: it takes effect for the first time.
  expect(await stage.written(stage.followers()[0]!, 'lost')).toMatchObject({ offset: expect.any(Number) });
  expect([stage.countOf('kept'), stage.countOf('lost')]).toEqual([1, 1]);
});

test('crash point 1: the leader ends before the write arrives', async () => {
  const stage = await Stage.open('crash point 1');
  const { leader: old } = stage;
  old.host.kill();
  expect(await stage.written(old, 'payment')).toEqual({ failed: 'CONNECTION_LOST' });
  await stage.until(() => stage.cluster.leader !== undefined);
  await stage.written(stage.leader, 'payment');
  await stage.peace();
  expect(stage.countOf('payment')).toBe(1);
});

test('crash point 2: the leader ends with the write on its disk alone', async () => {
  const stage = await Stage.open('crash point 2');
  const { leader: old } = stage;
  for (const follower of stage.followers()) stage.cut(old, follower);
  const first = stage.write(old, 'payment');
  await stage.until(() => stage.holds(old, 'payment'));
  old.host.crash('all');
  expect(await stage.ended(first)).toMatchObject({
    failed: expect.stringMatching(/CONNECTION_LOST|TIMEOUT/),
  });
  await stage.until(() => stage.cluster.leader !== undefined);
  expect(stage.countOf('payment')).toBe(0);
  await stage.written(stage.leader, 'payment');
  await stage.peace();
  expect(stage.countOf('payment')).toBe(1);
});

test('crash point 3: some followers have the write, and one of them leads next', async () => {
  // In this life the holder is the first to ask the others, who could do without it.
  const stage = await Stage.open('crash point 3, saved');
  const { leader: old } = stage;
  const [holder, ...others] = stage.followers();
  for (const other of others) stage.cut(old, other);
  void stage.write(old, 'payment');
  await stage.until(() => stage.holds(holder!, 'payment'));
  old.host.crash('all');
  stage.heal();
  // Nor may they before it does.
  for (const other of others) other.host.pause();
  await stage.pass(2_500);
  for (const other of others) other.host.resume();
  await stage.until(() => stage.cluster.leader === holder);
  await stage.until(() => stage.countOf('payment') === 1);
  expect(await stage.written(others[0]!, 'payment')).toMatchObject({ index: expect.any(Number) });
  await stage.peace();
  expect(stage.countOf('payment')).toBe(1);
});

test('crash point 3: some followers have the write, and somebody else leads next', async () => {
  const stage = await Stage.open('crash point 3, cut');
  const { leader: old } = stage;
  const [holder, ...others] = stage.followers();
  for (const other of others) stage.cut(old, other);
  void stage.write(old, 'payment');
  await stage.until(() => stage.holds(holder!, 'payment'));
  old.host.crash('all');
  stage.split([holder!], others);
  await stage.until(() => others.some((other) => other.isLeader));
  await stage.written(stage.leader, 'y');
  await stage.peace();
  expect(stage.servers.map((server) => stage.holds(server, 'payment'))).toEqual(
    stage.servers.map(() => false),
  );
  await stage.written(stage.leader, 'payment');
  expect([stage.countOf('payment'), stage.countOf('y')]).toEqual([1, 1]);
});

test('crash point 4: a majority has the write, and nobody was told', async () => {
  const stage = await Stage.open('crash point 4');
  const { leader: old } = stage;
  const followers = stage.followers();
  // It sends and hears nothing, so it never learns that the write is safe.
  for (const follower of followers) stage.cut(follower, old);
  const first = stage.write(old, 'payment');
  await stage.until(() => followers.every((follower) => stage.holds(follower, 'payment')));
  expect(stage.countOf('payment')).toBe(0);
  old.host.crash('all');
  await stage.until(() => stage.countOf('payment') === 1);
  // Whoever asks again gets the first answer, at every server.
  const again = await stage.written(stage.leader, 'payment');
  expect(again).toMatchObject({ offset: stage.offsetOf('payment') });
  expect(await stage.written(stage.followers()[0]!, 'payment')).toEqual(again);
  expect(await stage.ended(first)).toMatchObject({ failed: expect.any(String) });
  await stage.peace();
  expect(stage.countOf('payment')).toBe(1);
});

test.each([3, 2])('two data centres lose each other, with the leader among the %i', async (withLeader) => {
  const stage = await Stage.open(`data centres ${withLeader}`);
  const { leader: old } = stage;
  const term = old.consensus!.replica.standing.term;
  const here = [old, ...stage.followers().slice(0, withLeader - 1)];
  const there = stage.servers.filter((server) => !here.includes(server));
  const [large, small] = withLeader === 3 ? [here, there] : [there, here];
  stage.split(here, there);
  const tail = withLeader === 2 ? stage.write(old, 'tail') : null;
  await stage.until(
    () => large.some((server) => server.isLeader) && !small.some((server) => server.isLeader),
  );
  const leads = stage.leader;
  expect(large).toContain(leads);
  expect(leads === old).toBe(withLeader === 3);
  expect(await stage.written(leads, 'large')).toMatchObject({ index: expect.any(Number) });
  // The smaller side refuses within a bounded time instead of hanging, and says only what is old.
  const fromMs = stage.cluster.clock.nowMs();
  expect(await stage.written(small[0]!, 'small')).toMatchObject({ failed: expect.any(String) });
  expect(await stage.written(small[0]!, 'small')).toEqual({ failed: 'NO_LEADER' });
  expect(await stage.read(small[0]!, 'consistent')).toBe('NO_LEADER');
  expect(stage.cluster.clock.nowMs() - fromMs).toBeLessThan(3 * stepDownMs);
  expect(await stage.read(small[0]!, 'stale')).toBe(null);
  expect(await stage.read(leads, 'consistent')).toBe('large');
  if (tail !== null) expect(await stage.ended(tail)).toMatchObject({ failed: 'OUTCOME_UNKNOWN' });
  await stage.peace();
  expect(stage.leader).toBe(leads);
  if (withLeader === 3) expect(leads.consensus!.replica.standing.term).toBe(term);
  expect(stage.servers.some((server) => stage.holds(server, 'tail'))).toBe(false);
  expect([stage.countOf('large'), stage.countOf('small'), stage.countOf('tail')]).toEqual([1, 0, 0]);
});

test('nobody wins a vote, and a new round decides', async () => {
  const stage = await Stage.open('nobody wins');
  const { leader: old } = stage;
  const [a, b, c, d] = stage.followers();
  old.host.crash('all');
  stage.split([a!, b!], [c!, d!]);
  await stage.pass(10_000);
  expect(stage.cluster.leader).toBeUndefined();
  stage.heal();
  expect(await stage.until(() => stage.cluster.leader !== undefined)).toBeLessThan(stepDownMs);
  await stage.peace();
});

test('an isolated leader answers no consistent read', async () => {
  const stage = await Stage.open('isolated leader');
  const { leader: old } = stage;
  await stage.written(old, 'before');
  stage.split([old], stage.followers(old));
  await stage.until(() => stage.followers(old).some((server) => server.isLeader));
  const next = stage.followers(old).find((server) => server.isLeader)!;
  await stage.written(next, 'after');
  expect(await stage.read(old, 'consistent')).toBe('NO_LEADER');
  expect(await stage.read(next, 'consistent')).toBe('after');
  await stage.peace();
});
