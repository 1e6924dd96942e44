/** What operators do with real servers: certificates, a changed set of servers. */
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, type TestAgent, TestFleet, until } from './agents.ts';

let fleet: TestFleet;

beforeEach(async () => {
  fleet = await TestFleet.create();
});

afterEach(() => fleet.stop());

interface Peers {
  readonly Servers: ReadonlyArray<{ Node: string; ID: string; Leader: boolean; Voter: boolean }>;
}

async function leaderOf(servers: readonly TestAgent[], asked: TestAgent): Promise<TestAgent | undefined> {
  const address = await asked.get<string>('/v1/status/leader');
  return servers.find((server) => address?.endsWith(`:${server.ports.server}`));
}

/** An authority, a certificate of a server and one of an agent. */
async function makeCertificates(): Promise<string> {
  const folder = join(fleet.folder, 'tls');
  await mkdir(folder);
  const authority = [
    '--ca',
    join(folder, 'rollcall-agent-ca.pem'),
    '--key',
    join(folder, 'rollcall-agent-ca-key.pem'),
  ];
  expect((await run('tls', 'ca', 'create', '--dir', folder)).exitCode).toBe(0);
  expect((await run('tls', 'cert', 'create', '--server', ...authority, '--dir', folder)).exitCode).toBe(0);
  expect((await run('tls', 'cert', 'create', '--client', ...authority, '--dir', folder)).exitCode).toBe(0);
  return folder;
}

async function tlsFile(folder: string, name: string, pair: string, rules: object): Promise<string> {
  const path = join(folder, name);
  const files = {
    ca_file: join(folder, 'rollcall-agent-ca.pem'),
    cert_file: join(folder, `${pair}.pem`),
    key_file: join(folder, `${pair}-key.pem`),
  };
  await writeFile(path, JSON.stringify({ tls: { defaults: files, internal_rpc: rules } }));
  return path;
}

const strict = { verify_incoming: true, verify_outgoing: true, verify_server_hostname: true };

test('servers with certificates form a cluster; a reload changes them under it; who has none is refused by name', async () => {
  const folder = await makeCertificates();
  const forServers = await tlsFile(folder, 'server.json', 'dc1-server-rollcall-0', strict);
  const forAgents = await tlsFile(folder, 'agent.json', 'dc1-client-rollcall-0', strict);
  const servers = await fleet.startServers(3, ['--config', forServers]);
  const [first] = servers as [TestAgent, TestAgent, TestAgent];

  const web = await fleet.start('web', ['--join', first.gossip, '--config', forAgents]);
  await until('web reached a server', async () => {
    const nodes = await web.get<Array<{ Node: string }>>('/v1/catalog/nodes');
    return nodes?.some(({ Node }) => Node === 'web');
  });

  const leader = await leaderOf(servers, first);
  const authority = [
    '--ca',
    join(folder, 'rollcall-agent-ca.pem'),
    '--key',
    join(folder, 'rollcall-agent-ca-key.pem'),
  ];
  expect((await run('tls', 'cert', 'create', '--server', ...authority, '--dir', folder)).exitCode).toBe(0);
  await tlsFile(folder, 'server.json', 'dc1-server-rollcall-1', strict);
  for (const server of servers) {
    expect((await run('reload', '--http-addr', server.url)).exitCode).toBe(0);
  }
  expect(await leaderOf(servers, first)).toBe(leader);
  await writeFile(join(folder, 'dc1-server-rollcall-1-key.pem'), 'nonsense');
  const refused = await run('reload', '--http-addr', first.url);
  expect(refused.exitCode).toBe(1);
  expect(refused.lines.join('\n')).toContain('dc1-server-rollcall-1-key.pem');

  const naked = await fleet.start('naked', ['--join', first.gossip]);
  await until('a server names the refusal', () =>
    servers.some((server) =>
      server.process.lines.some((line) => /refused 127\.0\.0\.1:\d+ on the RPC port: .*TLS/.test(line)),
    ),
  );
  expect((await naked.get('/v1/catalog/nodes')) ?? null).toBeNull();
  expect((await readdir(folder)).sort()).toContain('dc1-client-rollcall-0-key.pem');
});

test('an agent with the certificate of an agent is no server to those who look at names', async () => {
  const folder = await makeCertificates();
  const asServer = await tlsFile(folder, 'false.json', 'dc1-client-rollcall-0', {
    verify_incoming: true,
    verify_outgoing: true,
  });
  const strictly = await tlsFile(folder, 'agent.json', 'dc1-client-rollcall-0', strict);
  const [impostor] = await fleet.startServers(1, ['--config', asServer]);
  const web = await fleet.start('web', ['--join', impostor!.gossip, '--config', strictly]);
  const failure = await until('web says why', async () => {
    const info = await web.fetch('GET', '/v1/agent/info').catch(() => undefined);
    return /certificate|altnames|TLS/i.exec(info?.body ?? '')?.[0];
  });
  expect(failure).toBeDefined();
  expect(await web.get('/v1/catalog/nodes')).toBeUndefined();
});

test('the set of servers: listed, handed over, taken down to what is safe, and no further', async () => {
  const servers = await fleet.startServers(3);
  const [first] = servers as [TestAgent, TestAgent, TestAgent];
  const before = (await leaderOf(servers, first))!;
  const rollcall = (...words: string[]) => run('operator', 'raft', ...words, '--http-addr', first.url);
  const heir = servers.find((server) => server !== before)!;
  await until('the catalog knows all', async () => {
    const peers = await first.get<Peers>('/v1/operator/raft/configuration');
    return peers?.Servers.every(({ Node }) => Node !== '(unknown)');
  });
  expect((await rollcall('transfer-leader', heir.name)).lines).toEqual([`${heir.name} leads.`]);
  const victim = servers.find((server) => server !== heir && server !== first)!;
  await victim.process.kill();
  await until('the leader misses it', async () => {
    const health = await first.fetch('GET', '/v1/operator/autopilot/health');
    return health.status === 429;
  });
  const survivor = servers.find((server) => server !== victim && server !== heir)!;
  const refused = await rollcall('remove-peer', survivor.name);
  expect(refused.exitCode).toBe(1);
  expect(refused.lines.join('\n')).toContain('the quorum would be lost');
  expect((await rollcall('remove-peer', victim.name)).exitCode).toBe(0);
  const { lines } = await rollcall('list-peers');
  expect(lines).toHaveLength(3);
  expect(lines.join('\n')).not.toContain(victim.name);
});

test('a cluster that lost two of three servers goes on with the third, and the old ones can say nothing in it', async () => {
  const servers = await fleet.startServers(3);
  const [survivor, second, third] = servers as [TestAgent, TestAgent, TestAgent];
  const web = await fleet.start('web', ['--join', survivor.gossip, '--join', second.gossip]);
  for (let n = 0; n < 20; n++) {
    const check = { Name: 'up', Status: n % 2 === 0 ? 'critical' : 'passing' };
    const body = { Node: 'ext', Address: '10.0.0.1', Check: check };
    expect((await second.fetch('PUT', '/v1/catalog/register', body)).status).toBe(200);
  }
  await until('web is known', () => survivor.get('/v1/catalog/node/web'));
  const before = await survivor.get<Array<{ Offset: number }>>('/v1/events?after=0&limit=1000&wait=0s');
  const last = before!.at(-1)!.Offset;
  const recover = (...words: string[]) => run('operator', 'recover', '--data-dir', survivor.folder, ...words);
  const inUse = await recover('--dry-run');
  expect([inUse.exitCode, inUse.lines.join('\n')]).toEqual([1, expect.stringContaining('in use')]);

  await Promise.all([survivor, second, third].map((server) => server.process.kill()));
  const look = await recover('--dry-run');
  expect(look.exitCode).toBe(0);
  expect(look.lines.join('\n')).toMatch(
    /Survives: server-1 .*\nForgotten:\n {2}server-[23] .*\n {2}server-[23] /,
  );
  const unsure = await recover();
  expect([unsure.exitCode, unsure.lines.at(-1)]).toEqual([2, expect.stringContaining('nothing was changed')]);
  expect((await recover('--yes')).exitCode).toBe(0);

  survivor.restart();
  await until('the survivor leads alone', async () => {
    const peers = await survivor.get<Peers>('/v1/operator/raft/configuration');
    return peers?.Servers.length === 1 && peers.Servers[0]!.Leader;
  });
  const after = await survivor.get<Array<{ Offset: number }>>('/v1/events?after=0&limit=1000&wait=0s');
  expect(after!.map(({ Offset }) => Offset).slice(0, last)).toEqual(before!.map(({ Offset }) => Offset));
  await until('the agent found it by itself', async () => {
    const nodes = await web.get<Array<{ Node: string }>>('/v1/catalog/nodes');
    return nodes?.some(({ Node }) => Node === 'ext');
  });
  second.restart();
  await until('the old server is kept out', () =>
    [survivor, second].some(({ process }) =>
      process.lines.some((line) => /cluster [0-9a-f-]{36}/.test(line) && /refused|cannot join/.test(line)),
    ),
  );
  const peers = await survivor.get<Peers>('/v1/operator/raft/configuration');
  expect(peers!.Servers.map(({ Node }) => Node)).toEqual(['server-1']);
});

test('the survivor of a recovery was behind: what it lacked is told as a gap, and no number is given twice', async () => {
  const servers = await fleet.startServers(3);
  const leader = await until('a leader', () => leaderOf(servers, servers[0]!));
  const [survivor, other] = servers.filter((server) => server !== leader) as [TestAgent, TestAgent];
  const turn = async (status: string) => {
    const body = { Node: 'ext', Address: '10.0.0.1', Check: { Name: 'up', Status: status } };
    expect((await leader.fetch('PUT', '/v1/catalog/register', body)).status).toBe(200);
  };
  const events = (server: TestAgent, query = 'after=0') =>
    server.get<Array<{ Offset: number; Kind: string; To: string }>>(`/v1/events?${query}&limit=1000&wait=0s`);
  await turn('critical');
  await until('all have it', async () => (await events(survivor))?.some(({ To }) => To === 'critical'));
  survivor.process.signal('SIGSTOP');
  for (const status of ['passing', 'warning', 'critical', 'passing']) await turn(status);
  const lost = (await until('the others have more', () => events(other))).at(-1)!.Offset;
  await Promise.all([leader, other].map((server) => server.process.kill()));
  await survivor.process.kill();

  const done = await run('operator', 'recover', '--data-dir', survivor.folder, '--yes');
  expect([done.exitCode, done.lines.join('\n')]).toEqual([0, expect.stringContaining('go on behind a gap')]);
  survivor.restart();
  const address = await until(
    'it leads',
    async () => (await survivor.get<string>('/v1/status/leader')) || undefined,
  );
  expect(address).toContain(`:${survivor.ports.server}`);
  const trimmed = await until('a listener of the lost servers is told', async () => {
    const answer = await survivor.fetch('GET', `/v1/events?after=${lost}&wait=0s`);
    return answer.status === 410 ? answer : undefined;
  });
  expect(trimmed.body).toMatch(/first one kept is \d{13}/);
  const kept = (await events(survivor))!.map(({ Offset }) => Offset);
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, i) => i + 1));
  expect(kept.length).toBeLessThan(lost);
  const body = { Node: 'ext', Address: '10.0.0.1', Check: { Name: 'up', Status: 'warning' } };
  expect((await survivor.fetch('PUT', '/v1/catalog/register', body)).status).toBe(200);
  const fresh = (await events(survivor, `after=${1_000_000_000_000 + kept.length}`))!;
  expect(fresh.map(({ Kind }) => Kind)).toEqual(expect.arrayContaining(['server.removed', 'check.changed']));
  expect(fresh.every(({ Offset }) => Offset > 1_000_000_000_000)).toBe(true);
});
