/** What an agent has answered with 200 outlives a SIGKILL that comes right behind the answer. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TestFleet, until } from './agents.ts';

let fleet: TestFleet;

beforeEach(async () => {
  fleet = await TestFleet.create();
});

afterEach(() => fleet.stop());

test('services, checks, what was removed, maintenance, and the status of a TTL check', async () => {
  const agent = await fleet.start('web');
  await until('it answers', () => agent.get('/v1/agent/self'));
  const put = async (path: string, body?: unknown) => {
    expect(await agent.fetch('PUT', path, body)).toMatchObject({ status: 200 });
  };
  // One change a second would be written by itself; these come faster.
  for (let number = 0; number < 5; number++) {
    await put('/v1/agent/service/register', { Name: `shop-${number}`, Check: { TTL: '10m' } });
    await put('/v1/agent/check/register', { Name: `job-${number}`, TTL: '10m' });
  }
  await put('/v1/agent/service/deregister/shop-0');
  await put('/v1/agent/check/deregister/job-0');
  await put('/v1/agent/service/maintenance/shop-1?enable=true&reason=repair');
  await put('/v1/agent/check/pass/job-4');
  await agent.process.kill();

  agent.restart();
  const checks = await until('it answers again', () =>
    agent.get<Record<string, { Status: string; Notes: string }>>('/v1/agent/checks'),
  );
  const services = await agent.get<Record<string, unknown>>('/v1/agent/services');
  expect(Object.keys(services ?? {}).sort()).toEqual(['shop-1', 'shop-2', 'shop-3', 'shop-4']);
  const ofServices = [1, 2, 3, 4].map((number) => `service:shop-${number}`);
  const maintenance = '_service_maintenance:shop-1';
  expect(Object.keys(checks).sort()).toEqual(
    [maintenance, 'job-1', 'job-2', 'job-3', 'job-4', ...ofServices].sort(),
  );
  expect(checks[maintenance]).toMatchObject({ Notes: 'repair' });
  expect(checks['job-4']).toMatchObject({ Status: 'passing' });
});
