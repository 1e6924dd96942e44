import { expect, test } from 'vitest';
import { type KnownServer, ServerPool } from '../../agent/server-pool.ts';
import { type ErrorCode, ExpectedError } from '../../proto/errors.ts';
import { statusOf } from '../server/rpc/memory-network.ts';
import { VirtualClock } from '../sim/clock.ts';
import { SeededRandom } from '../sim/random.ts';
import { FakeServers } from './fake-servers.ts';

function setUp(alive: string[], remembered: string[] = []) {
  const clock = new VirtualClock();
  const servers = new FakeServers();
  const gossip: KnownServer[] = servers.known(...alive);
  const pool = new ServerPool({
    clock,
    random: new SeededRandom('pool'),
    connect: (address) => servers.connect(address),
    servers: () => gossip,
    remembered: servers.known(...remembered),
  });
  const says = (...names: string[]) => {
    gossip.splice(0, gossip.length, ...servers.known(...names));
    pool.serversChanged();
  };
  return { clock, servers, pool, says };
}

function fails(promise: Promise<unknown>): Promise<ErrorCode | 'no failure'> {
  return promise.then(
    () => 'no failure' as const,
    (error) => error.code,
  );
}

test('it picks one server and stays with it', async () => {
  const { servers, pool } = setUp(['s1', 's2', 's3']);
  for (let n = 0; n < 20; n++) await pool.call('status', {});
  expect(new Set(servers.calls.map(({ server }) => server)).size).toBe(1);
  expect(pool.status()).toMatchObject({ used: { name: servers.calls[0]!.server }, silentSinceMs: null });
});

test('agents spread over the servers', async () => {
  const used = new Set<string>();
  for (let seed = 0; seed < 30; seed++) {
    const servers = new FakeServers();
    const pool = new ServerPool({
      clock: new VirtualClock(),
      random: new SeededRandom(seed),
      connect: (address) => servers.connect(address),
      servers: () => servers.known('s1', 's2', 's3'),
      remembered: [],
    });
    await pool.call('status', {});
    used.add(pool.status().used!.name);
  }
  expect(used.size).toBe(3);
});

test('callers that come at once share one connection', async () => {
  const { servers, pool } = setUp(['s1']);
  await Promise.all(Array.from({ length: 10 }, () => pool.call('status', {})));
  expect(servers.connections.get('s1')).toHaveLength(1);
});

test('when its server dies it moves on, and a call whose answer was lost is made again', async () => {
  const { servers, pool } = setUp(['s1', 's2', 's3']);
  await pool.call('status', {});
  const first = pool.status().used!.name;
  servers.answers.status = (_, server) => {
    if (server !== first) return statusOf(7);
    servers.kill(first);
    throw new ExpectedError('CONNECTION_LOST');
  };
  expect((await pool.call('status', {})).term).toBe(7);
  expect(pool.status().used!.name).not.toBe(first);
});

test('a write without an idempotency key is not made twice', async () => {
  const { servers, pool } = setUp(['s1', 's2']);
  let writes = 0;
  servers.answers['catalog.write'] = () => {
    writes += 1;
    throw new ExpectedError('CONNECTION_LOST');
  };
  const body = { kind: 'catalog.deregister', v: 1, node: 'x', serviceId: '', checkId: '' } as const;
  expect(await fails(pool.call('catalog.write', { body, once: null }))).toBe('CONNECTION_LOST');
  expect(writes).toBe(1);
});

test('without any server the answer is NO_SERVERS, at once, and it is known since when', async () => {
  const { clock, pool } = setUp([]);
  pool.start();
  await clock.settleFor(90_000);
  expect(await fails(pool.call('status', {}))).toBe('NO_SERVERS');
  expect(pool.status()).toMatchObject({ used: null, silentSinceMs: clock.wallMs() - 90_000 });
});

test('dead servers are tried in rounds; between two rounds nobody waits for them', async () => {
  const { clock, servers, pool } = setUp(['s1', 's2']);
  servers.down.add('s1').add('s2');
  pool.start();
  await clock.settleFor(1);
  expect(await fails(pool.call('status', {}))).toBe('NO_SERVERS');
  expect(pool.status().lastFailure).toContain('connection refused by');
  servers.down.delete('s2');
  await clock.settleFor(20_000);
  expect(pool.status().used?.name).toBe('s2');
});

test('before gossip knows a server, the remembered ones are asked', async () => {
  const { pool } = setUp([], ['old']);
  await pool.call('status', {});
  expect(pool.status().used?.name).toBe('old');
});

test('a server that gossip declares failed is left at once, one it never named is kept', async () => {
  const { clock, pool, says } = setUp([], ['old']);
  await pool.call('status', {});
  says('s1');
  expect(pool.status().used?.name).toBe('old');
  says('s1', 'old');
  says('s1');
  await clock.settleFor(1_000);
  expect(pool.status().used?.name).toBe('s1');
});

test('news of a server end the waiting', async () => {
  const { clock, pool, says } = setUp([]);
  let connected = 0;
  pool.onConnected(() => {
    connected += 1;
  });
  pool.start();
  await clock.settleFor(60_000);
  says('s1');
  await clock.settleFor(1);
  expect(connected).toBe(1);
});

test('a server that has no leader is left for one that has', async () => {
  const { servers, pool } = setUp(['s1', 's2']);
  await pool.call('status', {});
  const first = pool.status().used!.name;
  servers.answers.status = (_, server) => {
    if (server === first) throw new ExpectedError('NO_LEADER');
    return statusOf(8);
  };
  expect((await pool.call('status', {})).term).toBe(8);
});

test('while nobody has a leader it does not run from one to the other', async () => {
  const { servers, pool } = setUp(['s1', 's2']);
  servers.answers.status = () => {
    throw new ExpectedError('NO_LEADER');
  };
  for (let n = 0; n < 10; n++) expect(await fails(pool.call('status', {}))).toBe('NO_LEADER');
  expect([...servers.connections.values()].flat().length).toBeLessThanOrEqual(2);
});

test('after stop it answers STOPPING and looks for nobody', async () => {
  const { clock, servers, pool } = setUp(['s1']);
  await pool.call('status', {});
  await pool.stop();
  expect(await fails(pool.call('status', {}))).toBe('STOPPING');
  await clock.settleFor(60_000);
  expect(servers.connections.get('s1')).toHaveLength(1);
});
