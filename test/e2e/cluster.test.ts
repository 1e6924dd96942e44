/** A cluster of real processes under what happens to real processes. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { HealthEvent } from '../../proto/schema/event.ts';
import { run, type TestAgent, TestFleet, until } from './agents.ts';

let fleet: TestFleet;

beforeEach(async () => {
  fleet = await TestFleet.create();
});

afterEach(() => fleet.stop());

async function events(agent: TestAgent): Promise<HealthEvent[]> {
  return (await agent.get<HealthEvent[]>('/v1/events?after=0&limit=1000&wait=0s')) ?? [];
}

async function eventOf(agent: TestAgent, kind: string, node: string): Promise<HealthEvent | undefined> {
  return (await events(agent)).find((event) => event.Kind === kind && event.Node === node);
}

async function leaderOf(servers: readonly TestAgent[], asked: TestAgent): Promise<TestAgent | undefined> {
  const address = await asked.get<string>('/v1/status/leader');
  return servers.find((server) => address?.endsWith(`:${server.ports.server}`));
}

test('SIGTERM says goodbye: node.left and no failure', async () => {
  const servers = await fleet.startServers(1);
  const web = await fleet.start('web', ['--join', servers[0]!.gossip]);
  await until('web is in the catalog', () => eventOf(servers[0]!, 'node.joined', 'web'));
  web.process.signal('SIGTERM');
  expect(await web.process.ended).toBe(0);
  await until('node.left', () => eventOf(servers[0]!, 'node.left', 'web'));
  expect(await eventOf(servers[0]!, 'node.failed', 'web')).toBeUndefined();
});

test('a second SIGTERM exits at once', async () => {
  const servers = await fleet.startServers(1);
  const web = await fleet.start('web', ['--join', servers[0]!.gossip]);
  await until('web is in the catalog', () => eventOf(servers[0]!, 'node.joined', 'web'));
  web.process.signal('SIGTERM');
  web.process.signal('SIGTERM');
  await web.process.ended;
  expect(web.process.running).toBe(false);
});

test('the stopped leader hands over, stays a voter, and comes back', async () => {
  const servers = await fleet.startServers(3);
  const old = await until('a leader', () => leaderOf(servers, servers[0]!));
  const others = servers.filter((server) => server !== old);
  old.process.signal('SIGTERM');
  expect(await old.process.ended).toBe(0);
  const next = await until('another leader', async () => {
    const leader = await leaderOf(servers, others[0]!);
    return leader !== old && leader;
  });
  const peers = await next.get<string[]>('/v1/status/peers');
  expect(peers).toHaveLength(3);
  await until('node.left', () => eventOf(next, 'node.left', old.name));
  old.restart();
  await until('the old leader follows', () => old.get<string>('/v1/status/leader'));
  await until('it is told as one that left and joined', async () =>
    (await events(next)).some(
      (event) => event.Kind === 'node.joined' && event.Node === old.name && event.From === 'left',
    ),
  );
});

test('all servers are killed: checks and gossip go on, reads say so, and nothing is lost', async () => {
  const servers = await fleet.startServers(3);
  const web = await fleet.start('web', ['--join', servers[0]!.gossip]);
  await until('web is in the catalog', () => eventOf(servers[0]!, 'node.joined', 'web'));
  await web.fetch('PUT', '/v1/agent/check/register', { Name: 'job', TTL: '10m' });
  await web.fetch('PUT', '/v1/agent/check/pass/job');
  await until('the check passes', async () =>
    (await events(web)).some((event) => event.Check === 'job' && event.To === 'passing'),
  );
  await Promise.all(servers.map((server) => server.process.kill()));
  await until('reads say that there is no server', async () => {
    const answer = await web.fetch('GET', '/v1/catalog/nodes');
    return answer.status === 500 && answer.body.includes('No known Consul servers');
  });
  for (const verb of ['fail', 'pass', 'warn', 'pass']) await web.fetch('PUT', `/v1/agent/check/${verb}/job`);
  const info = await run('info', '--http-addr', web.url);
  expect(info.exitCode).toBe(0);
  expect(info.lines.join('\n')).toMatch(/since/);

  for (const server of servers) server.restart();
  await until('the flaps arrived, in order', async () => {
    const moves = (await events(web)).filter(
      (event) => event.Kind === 'check.changed' && event.Check === 'job',
    );
    return moves.map((event) => event.To).join() === 'passing,critical,passing,warning,passing';
  });
});

test('a late server joins the existing cluster', async () => {
  const servers = await fleet.startServers(3);
  const late = await fleet.start('server-4', [
    ...['--server', '--bootstrap-expect', '3'],
    ...['--join', servers[0]!.gossip],
  ]);
  await until(
    'four voters',
    async () => (await late.get<string[]>('/v1/status/peers'))?.length === 4,
    40_000,
  );
  const [own, others] = await Promise.all([
    until('the new server has the log', () => events(late)),
    events(servers[0]!),
  ]);
  expect(own.slice(0, others.length)).toEqual(others);
});

test('leave of a server is refused where the quorum would be lost', async () => {
  const servers = await fleet.startServers(3);
  const [first, second, third] = servers;
  await third!.process.kill();
  await until('the third failed', () => eventOf(first!, 'node.failed', third!.name));
  const { exitCode, lines } = await run('leave', '--http-addr', second!.url);
  expect(exitCode).toBeGreaterThan(0);
  expect(lines.join('\n')).toMatch(/quorum/);
  expect(second!.process.running).toBe(true);
});

test('rollcall agent --dev works alone and keeps nothing', async () => {
  const agent = await fleet.start('dev', ['--dev']);
  await until('it leads itself', async () => Boolean(await agent.get<string>('/v1/status/leader')));
  await agent.fetch('PUT', '/v1/agent/check/register', { Name: 'job', TTL: '10m', Status: 'passing' });
  await until('its check is in the catalog', async () => {
    const passing = await agent.get<Array<{ CheckID: string }>>('/v1/health/state/passing');
    return passing?.some((check) => check.CheckID === 'job');
  });
});
