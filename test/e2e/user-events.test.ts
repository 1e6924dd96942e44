/** What agents tell one another by gossip, as users see it: on real processes, encrypted, with and without a server. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ManagedProcess } from '../../examples/demo/process.ts';
import type { LocalEvent } from '../../proto/schema/local-event.ts';
import { program, run, type TestAgent, TestFleet, until } from './agents.ts';

const oldKey = Buffer.alloc(32, 7).toString('base64');

let fleet: TestFleet;
let server: TestAgent;
let web: TestAgent;
let shop: TestAgent;

beforeAll(async () => {
  fleet = await TestFleet.create();
  const file = join(fleet.folder, 'cluster.json');
  await writeFile(file, JSON.stringify({ encrypt: oldKey, gossip_profile: 'local' }));
  const config = ['--config', file];
  server = await fleet.start('server', ['--server', '--bootstrap-expect', '1', ...config]);
  const joining = ['--join', server.gossip, ...config];
  web = await fleet.start('web', joining);
  shop = await fleet.start('shop', joining);
  for (const agent of [server, web, shop]) {
    await until(`${agent.name} knows all three`, async () => {
      const members = await agent.get<Array<{ Status: number }>>('/v1/agent/members');
      return members?.filter(({ Status }) => Status === 1).length === 3;
    });
  }
});

afterAll(() => fleet.stop());

interface ListedEvent {
  readonly Name: string;
  readonly Payload: string | null;
}

const command = (agent: TestAgent, ...args: string[]) => run(...args, '--http-addr', agent.url);
const text = (payload: string | null) => Buffer.from(payload ?? '', 'base64').toString();

test('both kinds of user events reach all agents, and wake who waits for them', async () => {
  const held = shop.get<ListedEvent[]>('/v1/event/list?name=deploy&index=1&wait=20s');
  expect((await command(web, 'event', 'deploy', 'v1.2')).exitCode).toBe(0);
  expect((await held)?.map(({ Name, Payload }) => [Name, text(Payload)])).toEqual([['deploy', 'v1.2']]);
  await web.fetch('PUT', '/v1/event/fire/only-shop?node=^shop$', 'now');
  await until('the event is at the shop', async () => {
    const events = await shop.get<ListedEvent[]>('/v1/event/list?name=only-shop');
    return events?.length === 1;
  });
  const elsewhere = await server.get<ListedEvent[]>('/v1/event/list');
  expect(elsewhere?.map(({ Name }) => Name)).toEqual(['deploy']);
});

test('all agents answer a question, one of them when it is named', async () => {
  const all = await command(web, 'query', 'rollcall:health', '--ack', '--timeout', '1s');
  expect(all.lines.at(-1)).toBe('3 have heard it, 3 answers.');
  const one = await command(web, 'query', 'rollcall:health', '--node', 'shop', '--timeout', '500ms');
  expect(one.lines[0]).toMatch(/^shop: \{"Node":"shop",/);
  expect(one.lines.at(-1)).toBe('1 answer.');
});

test('with every server dead, a check that fails on one agent is seen on the others', async () => {
  await web.fetch('PUT', '/v1/agent/check/register', { Name: 'job', TTL: '10m', Status: 'passing' });
  await server.process.kill();
  const following = new ManagedProcess('follow', [
    ...[program, 'events', '--local', '--follow', '--kind', 'check.changed'],
    ...['--http-addr', shop.url],
  ]);
  const local = async () =>
    (await shop.get<LocalEvent[]>('/v1/events/local?node=web&check=job&kind=check.changed')) ?? [];
  let flips = 0;
  // The follower may be a moment late; a hint that came before it is none of its business.
  await until('the follower saw one', async () => {
    flips += 1;
    await web.fetch('PUT', `/v1/agent/check/${flips % 2 === 1 ? 'fail' : 'pass'}/job`);
    return following.lines.some((line) => line.includes('web/job'));
  });
  await following.kill();
  await web.fetch('PUT', '/v1/agent/check/warn/job?note=slow');
  await until('the last word arrived', async () => (await local()).at(-1)?.To === 'warning');
  const seen = await local();
  expect(seen.at(-1)).toMatchObject({ Output: 'slow', Cause: 'ttl' });
  expect(seen.at(-1)).not.toHaveProperty('Offset');
  const told = seen.length + seen.reduce((sum, { Omitted }) => sum + Omitted, 0);
  expect(told).toBe(flips + 1);
  await until('its failure too', async () => {
    const failed = await shop.get<LocalEvent[]>('/v1/events/local?kind=node.failed');
    return failed?.some(({ Node }) => Node === 'server');
  });
  server.restart();
  await until('the server is back', () => web.get<string>('/v1/status/leader'));
});

interface Pool {
  readonly Keys: Readonly<Record<string, number>>;
  readonly PrimaryKeys: Readonly<Record<string, number>>;
}

test('a rotation waits for a host that is silent, and then all have the new key and nothing else', async () => {
  await until('all are there', async () => {
    const members = await web.get<Array<{ Status: number }>>('/v1/agent/members');
    return members?.every(({ Status }) => Status === 1);
  });
  shop.process.signal('SIGSTOP');
  await until('the shop counts as failed', async () => {
    const { lines } = await command(web, 'members', '--status', 'failed');
    return lines.some((line) => line.startsWith('shop'));
  });
  const rotating = command(web, 'keyring', 'rotate');
  await until('it waits for the shop', async () => {
    const { lines } = await command(web, 'keyring', 'rotate', '--status');
    return lines.some((line) => line.includes('waiting for shop, failed'));
  });
  shop.process.signal('SIGCONT');
  expect((await rotating).exitCode).toBe(0);
  const [pool] = (await shop.get<Pool[]>('/v1/operator/keyring'))!;
  const [key] = Object.keys(pool!.Keys);
  expect(key).not.toBe(oldKey);
  expect(pool).toMatchObject({ Keys: { [key!]: 3 }, PrimaryKeys: { [key!]: 3 } });
  expect(Object.keys(pool!.Keys)).toHaveLength(1);
});

test('after it, an agent comes back with the key that it kept, also to the port of the servers', async () => {
  await web.process.kill();
  web.restart();
  await until('web asks a server', async () => {
    const info = await web.get<{ Servers: { Used: string } }>('/v1/agent/info');
    return info?.Servers.Used === 'server';
  });
  const refused = await command(web, 'keyring', 'remove', oldKey);
  expect(refused.exitCode).toBe(0);
  const bad = await command(web, 'keyring', 'use', oldKey);
  expect(bad.exitCode).toBe(1);
  expect(bad.lines.join('\n')).toContain('3/3 nodes reported failure');
});
