/** Snapshots of real servers: saved, damaged, restored into the same cluster and into another one. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { request } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { run, type TestAgent, TestFleet, until } from './agents.ts';

let fleet: TestFleet;

beforeEach(async () => {
  fleet = await TestFleet.create();
});

afterEach(() => fleet.stop());

/** So many records that they come in several pieces. */
const nodes = 20;
const checksPerNode = 100;

async function register(server: TestAgent, node: string, address: string, checks: number): Promise<void> {
  const Checks = Array.from({ length: checks }, (_, n) => ({
    CheckID: `check-${n}`,
    Name: 'up',
    Status: 'passing',
  }));
  const body = { Node: node, Address: address, Checks };
  expect((await server.fetch('PUT', '/v1/catalog/register', body)).status).toBe(200);
}

/** External nodes, with their addresses and how many checks there are. */
async function external(server: TestAgent): Promise<unknown> {
  const all = await server.get<Array<{ Node: string; Address: string }>>('/v1/catalog/nodes?stale');
  const checks = await server.get<Array<{ Node: string }>>('/v1/health/state/any?stale');
  return all
    ?.filter(({ Node }) => Node.startsWith('ext-'))
    .map(({ Node, Address }) => [Node, Address, checks?.filter((check) => check.Node === Node).length]);
}

async function standing(server: TestAgent): Promise<{ offset: number; log: string }> {
  const answer = await request(`${server.url}/v1/catalog/nodes`);
  await answer.body.dump();
  return {
    offset: Number(answer.headers['x-rollcall-offset']),
    log: String(answer.headers['x-rollcall-log']),
  };
}

test('a cluster is set back to what was saved, though its leader dies in the middle; another one takes it over', async () => {
  const servers = await fleet.startServers(3);
  const address = await until('a leader', () => servers[0]!.get<string>('/v1/status/leader'));
  const leader = servers.find(({ ports }) => address.endsWith(`:${ports.server}`))!;
  const [first, second] = servers.filter((server) => server !== leader) as [TestAgent, TestAgent];
  for (let n = 0; n < nodes; n++) await register(first, `ext-${n}`, '10.0.0.1', checksPerNode);
  const file = join(fleet.folder, 'saved.snapshot');
  const saved = await run('snapshot', 'save', file, '--http-addr', second.url);
  expect([saved.exitCode, saved.lines.join('\n')]).toEqual([0, expect.stringMatching(/Checks +20\d\d/)]);
  const wanted = await until('all is here', () => external(first));

  await first.fetch('PUT', '/v1/catalog/deregister', { Node: 'ext-3' });
  await register(first, 'ext-4', '10.9.9.9', 1);
  await register(first, 'ext-new', '10.0.0.1', 1);
  const before = await standing(first);
  const bytes = await readFile(file);
  const flipped = Buffer.from(bytes);
  flipped[Math.floor(bytes.length / 2)]! ^= 4;
  const damaged = join(fleet.folder, 'damaged.snapshot');
  await writeFile(damaged, flipped);
  const refused = await run('snapshot', 'restore', damaged, '--http-addr', first.url);
  expect(refused.exitCode).toBe(1);
  const put = await request(`${first.url}/v1/snapshot`, { method: 'PUT', body: flipped });
  expect([put.statusCode, await put.body.text()]).toEqual([500, expect.stringContaining('snapshot')]);
  expect(await standing(first)).toEqual(before);

  const upload = Readable.from(
    (async function* () {
      yield bytes.subarray(0, bytes.length / 2);
      await leader.process.kill();
      yield bytes.subarray(bytes.length / 2);
    })(),
  );
  const answer = await request(`${first.url}/v1/snapshot`, {
    method: 'PUT',
    body: upload,
    headersTimeout: 60_000,
  });
  expect([answer.statusCode, await answer.body.text()]).toEqual([200, '']);
  leader.restart();
  for (const server of servers) {
    await until(`${server.name} holds what was saved`, async () => {
      return JSON.stringify(await external(server)) === JSON.stringify(wanted);
    });
  }
  const after = await standing(first);
  expect(after.log).toBe(before.log);
  expect(after.offset).toBeGreaterThan(before.offset);
  const stream = await request(`${first.url}/v1/events/stream?after=${before.offset}`, {
    headers: { accept: 'application/x-ndjson' },
  });
  let told = '';
  for await (const chunk of stream.body) {
    told += chunk;
    if (told.includes('"Gap"')) break;
  }
  expect(told).toMatch(/"Gap":\{"From":\d+,"To":\d+,"Reason":"a snapshot was restored/);

  await Promise.all(servers.map((server) => server.process.kill()));
  const other = await fleet.start('other', ['--server', '--bootstrap-expect', '1']);
  await until('the new cluster writes events', async () => {
    const { offset } = await standing(other).catch(() => ({ offset: 0 }));
    return offset > 0;
  });
  const fresh = await standing(other);
  expect(fresh.log).not.toBe(before.log);
  const restored = await run('snapshot', 'restore', file, '--http-addr', other.url);
  expect([restored.exitCode, restored.lines.join('\n')]).toEqual([0, expect.stringContaining('Restored: ')]);
  expect(await external(other)).toEqual(wanted);
  const again = await standing(other);
  expect([again.log, again.offset > fresh.offset]).toEqual([fresh.log, true]);
});
