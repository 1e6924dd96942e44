import { expect, test } from 'vitest';
import { type FeedRequest, followEvents } from '../../agent/event-feed.ts';
import { ServerPool } from '../../agent/server-pool.ts';
import type { Rpc } from '../../proto/rpc.ts';
import type { StreamRecord } from '../../proto/schema/event.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SeededRandom } from '../sim/random.ts';
import { eventAt, FakeServers } from './fake-servers.ts';

const filter = { kinds: [], nodes: [], services: [], checks: [], statuses: [], tags: [], expression: '' };

function setUp() {
  const clock = new VirtualClock();
  const servers = new FakeServers();
  const pool = new ServerPool({
    clock,
    random: new SeededRandom('feed'),
    connect: (address) => servers.connect(address),
    servers: () => servers.known('s1', 's2', 's3'),
    remembered: [],
  });
  return { clock, servers, pool };
}

/** Reads on in the background; `seen` grows. */
function listen(rpc: Rpc, clock: VirtualClock, request: Partial<FeedRequest> = {}) {
  const seen: StreamRecord[] = [];
  const abort = new AbortController();
  const done = (async () => {
    const feed = followEvents(
      rpc,
      { after: 0, logId: '', filter, ...request },
      { clock, signal: abort.signal },
    );
    for await (const record of feed) seen.push(record);
  })();
  return { seen, abort, done };
}

const offsets = (records: readonly StreamRecord[]) =>
  records.map((record) => 'Offset' in record && record.Offset);

test('a listener hears every event once and in order while server after server dies', async () => {
  const { clock, servers, pool } = setUp();
  const listener = listen(pool, clock);
  for (let round = 0; round < 12; round++) {
    servers.append(10);
    await clock.settleFor(5);
    const used = pool.status().used!.name;
    servers.kill(used);
    servers.append(10);
    await clock.settleFor(3_000);
    servers.down.delete(used);
  }
  await clock.settleFor(20_000);
  expect(offsets(listener.seen)).toEqual(Array.from({ length: 240 }, (_, n) => n + 1));
  listener.abort.abort();
  await listener.done;
});

test('"from now" stays the same now when the server dies before the first event', async () => {
  const { clock, servers, pool } = setUp();
  servers.append(5);
  const listener = listen(pool, clock, { after: null });
  await clock.settleFor(5);
  servers.kill(pool.status().used!.name);
  servers.append(2);
  await clock.settleFor(5_000);
  expect(offsets(listener.seen)).toEqual([6, 7]);
  listener.abort.abort();
});

test('while all servers are gone the listener waits; when one is back it goes on', async () => {
  const { clock, servers, pool } = setUp();
  servers.append(1);
  const listener = listen(pool, clock);
  await clock.settleFor(5);
  for (const name of ['s1', 's2', 's3']) servers.kill(name);
  await clock.settleFor(60_000);
  servers.append(1);
  servers.down.clear();
  await clock.settleFor(20_000);
  expect(offsets(listener.seen)).toEqual([1, 2]);
  listener.abort.abort();
});

test('a listener that cannot even begin is told so', async () => {
  const { clock, servers, pool } = setUp();
  for (const name of ['s1', 's2', 's3']) servers.down.add(name);
  await expect(listen(pool, clock).done).rejects.toMatchObject({ code: 'NO_SERVERS' });
});

test('a log that was replaced is not mistaken for the one that is followed', async () => {
  const { clock, pool } = setUp();
  await expect(listen(pool, clock, { after: null, logId: 'another' }).done).rejects.toMatchObject({
    code: 'OFFSET_TRIMMED',
  });
});

test('an error record is handed on and is the last one', async () => {
  const { clock, servers, pool } = setUp();
  servers.log.push(eventAt(1), { Error: { Code: 'OFFSET_TRIMMED', Message: 'gone' } }, eventAt(2));
  const listener = listen(pool, clock);
  await listener.done;
  expect(listener.seen).toHaveLength(2);
});
