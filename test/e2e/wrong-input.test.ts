/** What goes wrong at the start of an agent: one clear line (what, where, what to do) and a non-zero exit. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../ports.ts';
import { run, type TestAgent, TestFleet, until } from './agents.ts';

let fleet: TestFleet;

beforeEach(async () => {
  fleet = await TestFleet.create();
});

afterEach(() => fleet.stop());

interface Member {
  readonly Name: string;
  readonly Status: number;
}

async function expectRefusal(agent: TestAgent, ...parts: Array<string | RegExp>): Promise<void> {
  const exitCode = await agent.process.ended;
  const text = agent.process.lines.join('\n');
  expect(exitCode, text).toBeGreaterThan(0);
  for (const part of parts) expect(text).toMatch(part);
  expect(text, 'no stack trace').not.toMatch(/^\s+at /m);
}

test.each(['http', 'serf', 'server'] as const)('the %s port is in use', async (port) => {
  const holder = createServer();
  const taken = await new Promise<number>((resolve) => {
    holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port));
  });
  try {
    const agent = await fleet.start('late', ['--server', '--bootstrap-expect', '1'], { [port]: taken });
    await expectRefusal(agent, `127.0.0.1:${taken}`, /in use/);
  } finally {
    holder.close();
  }
});

test('a file stands where the data folder should be', async () => {
  const path = join(fleet.folder, 'not-a-folder');
  await writeFile(path, '');
  const agent = await fleet.start('stuck', ['--data-dir', join(path, 'data')]);
  await expectRefusal(agent, 'not-a-folder', /data/);
});

test('the data folder is in use by another process', async () => {
  const first = await fleet.start('first', ['--server', '--bootstrap-expect', '1']);
  await until('the first agent runs', () => first.get('/v1/agent/self'));
  const second = await fleet.start('second', ['--data-dir', first.folder]);
  await expectRefusal(second, first.folder, /in use/, String(first.process.pid));
});

test('this host does not have the bind address', async () => {
  const agent = await fleet.start('nowhere', ['--bind', '203.0.113.7', '--advertise', '203.0.113.7']);
  await expectRefusal(agent, '203.0.113.7', /address/);
});

test('the configuration is no YAML', async () => {
  const path = join(fleet.folder, 'broken.yaml');
  await mkdir(fleet.folder, { recursive: true });
  await writeFile(path, 'node_name: "web\nserver: [');
  const agent = await fleet.start('broken', ['--config', path]);
  await expectRefusal(agent, 'broken.yaml:');
});

test('validate names every error of a file with line, column, key and a suggestion', async () => {
  const path = join(fleet.folder, 'typos.yaml');
  await mkdir(fleet.folder, { recursive: true });
  await writeFile(path, 'node_nam: web\nports:\n  htpp: 8500\nserver: maybe\n');
  const { exitCode, lines } = await run('validate', path);
  const text = lines.join('\n');
  expect(exitCode).toBe(1);
  expect(text).toMatch(/typos\.yaml:1:1.*node_nam.*node_name/);
  expect(text).toMatch(/typos\.yaml:3:3.*htpp.*http/);
  expect(text).toMatch(/typos\.yaml:4:9.*server/);
});

test('a living member has the name already', async () => {
  const first = await fleet.start('web', ['--server', '--bootstrap-expect', '1']);
  await until('the first agent runs', () => first.get('/v1/agent/self'));
  const other = await fleet.start('web', ['--data-dir', join(fleet.folder, 'other'), '--join', first.gossip]);
  await expectRefusal(other, /web/, /name/);
  expect(first.process.running).toBe(true);
});

test('the same node is taken over within a second of a kill -9', async () => {
  const [server] = await fleet.startServers(1);
  const web = await fleet.start('web', ['--join', server!.gossip]);
  await until('web is a member', async () => (await alive(server!)).includes('web'));
  await web.process.kill();
  web.restart();
  await until('web answers again and is alive', async () => {
    return (await web.get('/v1/agent/self')) !== undefined && (await alive(server!)).includes('web');
  });
  expect(web.process.running).toBe(true);
});

test('a join to nobody is retried, visibly, until somebody is there', async () => {
  const port = await freePort();
  const lonely = await fleet.start('lonely', ['--join', `127.0.0.1:${port}`]);
  await until('the retry is visible', () =>
    lonely.process.lines.some((line) => line.includes(`127.0.0.1:${port}`) && /retry|again/i.test(line)),
  );
  expect(lonely.process.running).toBe(true);
});

test('random bytes on the gossip port are counted and dropped', async () => {
  const agent = await fleet.start('calm', ['--server', '--bootstrap-expect', '1']);
  await until('the agent runs', () => agent.get('/v1/agent/self'));
  const socket = createSocket('udp4');
  try {
    for (let sent = 0; sent < 50; sent++) socket.send(randomBytes(64), agent.ports.serf, '127.0.0.1');
    await until('the packets are counted', async () => {
      const info = await agent.get<{ Gossip: Record<string, number> }>('/v1/agent/info');
      const dropped = Object.entries(info?.Gossip ?? {}).filter(([name]) =>
        /dropped|refused|bad/i.test(name),
      );
      return dropped.reduce((sum, [, count]) => sum + count, 0) >= 40;
    });
  } finally {
    socket.close();
  }
  expect(agent.process.running).toBe(true);
});

test('nobody to talk to: one line and a non-zero exit', async () => {
  const port = await freePort();
  const { exitCode, lines } = await run('members', '--http-addr', `http://127.0.0.1:${port}`);
  expect(exitCode).toBeGreaterThan(0);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(`127.0.0.1:${port}`);
});

async function alive(agent: TestAgent): Promise<string[]> {
  const members = (await agent.get<Member[]>('/v1/agent/members')) ?? [];
  return members.filter((member) => member.Status === 1).map((member) => member.Name);
}
