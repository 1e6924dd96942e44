import { expect, test } from 'vitest';
import { Api } from '../../../agent/cli/api.ts';
import { followEvents, readEvents, readPosition } from '../../../agent/cli/event-source.ts';
import type { StreamRecord } from '../../../proto/schema/event.ts';
import { fakeAgent, type Reply } from './stage.ts';

/** An agent whose stream gives these answers, one a connection. */
async function streams(...replies: Reply[]) {
  const agent = await fakeAgent(() => replies.shift());
  return { api: new Api(agent.address), requests: agent.requests };
}

const lines = (...records: object[]): Reply => ({
  stream: (response) => response.end(records.map((record) => `${JSON.stringify(record)}\n`).join('')),
});

/** Follows until so many records have come; waits no time between connections. */
async function follow(api: Api, count: number) {
  const records: StreamRecord[] = [];
  const said: string[] = [];
  const waits: number[] = [];
  const events = followEvents(
    api,
    { offset: 5, log: 'log-1' },
    {
      filter: { kind: ['node.failed'] },
      onChange: async (message) => void said.push(message),
      wait: async (ms) => waits.push(ms),
    },
  );
  for await (const record of events) {
    records.push(record);
    if (records.length === count) break;
  }
  return { records, said, waits };
}

test('the position carries the name of the log along', async () => {
  const headers = { 'X-Rollcall-Offset': '7', 'X-Rollcall-Log': 'log-1' };
  const agent = await fakeAgent(() => ({ headers, body: [] }));
  expect(await readPosition(new Api(agent.address))).toEqual({ offset: 7, log: 'log-1' });
});

test('an error record and an agent without servers are waited out, longer each time', async () => {
  const { api, requests } = await streams(
    lines({ Position: 6 }, { Error: { Code: 'NO_LEADER', Message: 'No cluster leader' } }),
    { status: 500, body: 'No known Consul servers' },
    { status: 500, body: 'No known Consul servers' },
    lines({ Position: 8 }),
  );
  const { records, said, waits } = await follow(api, 3);
  expect(records.map((record) => Object.keys(record)[0])).toEqual(['Position', 'Error', 'Position']);
  expect(requests.map(({ query }) => query.get('after'))).toEqual(['5', '6', '6', '6']);
  expect(
    requests.every(({ query }) => query.get('log') === 'log-1' && query.get('kind') === 'node.failed'),
  ).toBe(true);
  expect(said).toEqual(['No cluster leader; trying again', 'connected again, going on after event 6']);
  expect(waits).toHaveLength(3);
  expect(waits[2]!).toBeGreaterThan(waits[0]! - 1);
  expect(Math.max(...waits)).toBeLessThanOrEqual(5_000);
});

test('the first connection fails at once, and so does a request that is wrong', async () => {
  const first = await streams({ status: 500, body: 'No known Consul servers' });
  await expect(follow(first.api, 1)).rejects.toThrow('No known Consul servers');
  const later = await streams(lines({ Position: 6 }), { status: 400, body: 'no such log' });
  await expect(follow(later.api, 2)).rejects.toThrow('no such log');
});

test('reading ends where the log ended, also when a filter let nothing through', async () => {
  const agent = await fakeAgent(({ query }) => {
    const after = Number(query.get('after'));
    return { headers: { 'X-Rollcall-Offset': String(Math.min(3_000, after + 1_000)) }, body: [] };
  });
  for await (const record of readEvents(new Api(agent.address), 0, 3_000, {})) expect(record).toBeUndefined();
  expect(agent.requests.map(({ query }) => query.get('after'))).toEqual(['0', '1000', '2000']);
});

test('an agent that does not move on is not asked for ever', async () => {
  const agent = await fakeAgent(() => ({ body: [] }));
  for await (const record of readEvents(new Api(agent.address), 0, 10, {})) expect(record).toBeUndefined();
  expect(agent.requests).toHaveLength(1);
});
