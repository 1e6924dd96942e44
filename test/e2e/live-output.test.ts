/** `?output=live` over real processes: the newest output stays on its agent and comes from there, or says that it did not. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type TestAgent, TestFleet, until } from './agents.ts';

interface Check {
  readonly Node: string;
  readonly CheckID: string;
  readonly Output: string;
  readonly OutputLive?: boolean;
}

let fleet: TestFleet;

beforeEach(async () => {
  fleet = await TestFleet.create();
});

afterEach(() => fleet.stop());

async function job(asked: TestAgent, query: string): Promise<Check | undefined> {
  const checks = await asked.get<Check[]>(`/v1/health/node/web${query}`);
  return checks?.find(({ CheckID }) => CheckID === 'job');
}

function answered(asked: TestAgent): Promise<Check> {
  return until(`an answer of ${asked.name}`, () => job(asked, '?output=live'));
}

async function say(agent: TestAgent, Output: string): Promise<void> {
  await agent.fetch('PUT', '/v1/agent/check/update/job', { Status: 'passing', Output });
}

test('whoever is asked has the newest output; of an agent that hangs or is gone, that of the last change', async () => {
  const servers = await fleet.startServers(3);
  const web = await fleet.start('web', ['--join', servers[0]!.gossip]);
  const other = await fleet.start('other', ['--join', servers[0]!.gossip]);
  const everybody = [...servers, other, web];
  await until('web answers', () => web.get('/v1/agent/self'));
  await web.fetch('PUT', '/v1/agent/check/register', { Name: 'job', TTL: '10m' });
  await say(web, 'first');
  await until('everybody has the change', async () => {
    const seen = await Promise.all(everybody.map((agent) => job(agent, '?stale')));
    return seen.every((check) => check?.Output === 'first');
  });

  await say(web, 'second');
  for (const agent of everybody) {
    await until(`${agent.name} has the newest`, async () => {
      const check = await job(agent, '?output=live');
      return check?.Output === 'second' && check.OutputLive === true;
    });
  }
  expect(await job(servers[0]!, '')).toMatchObject({ Output: 'first' });
  expect(await job(servers[0]!, '')).not.toHaveProperty('OutputLive');

  const fromCatalog = { Output: 'first', OutputLive: false };
  web.process.signal('SIGSTOP');
  for (const agent of [servers[0]!, other]) {
    expect(await answered(agent)).toMatchObject(fromCatalog);
  }
  await web.process.kill();
  expect(await answered(other)).toMatchObject(fromCatalog);

  web.restart();
  await until('it is back and has more to say', async () => {
    await say(web, 'third').catch(() => {});
    const check = await job(other, '?output=live');
    return check?.Output === 'third' && check.OutputLive === true;
  });
});
