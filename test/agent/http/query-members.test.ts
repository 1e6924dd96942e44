import { expect, test } from 'vitest';
import type { QueryRequest } from '../../../agent/gossip/membership.ts';
import { type Stage, stage } from './stage.ts';

/** Members that answer everything, and what they were asked. */
async function asking(): Promise<{ on: Stage; asked: QueryRequest[] }> {
  const asked: QueryRequest[] = [];
  const on = await stage({}, (request) => {
    asked.push(request);
    return {
      acks: ['web-1', 'web-2'],
      answers: [
        { from: 'web-1', payload: Buffer.from('up\n') },
        { from: 'web-2', payload: new Uint8Array(0) },
      ],
    };
  });
  return { on, asked };
}

test('a query goes out as it was asked, and the answers come back as they are', async () => {
  const { on, asked } = await asking();
  const path =
    '/v1/agent/query-members/uptime?node=web-1&node=web-2&tag=role=web.*&tag=dc==1&ack&relay-factor=2&timeout=3s';
  const seen = await on.request(path, { method: 'PUT', body: 'since when?' });
  expect(seen.json()).toEqual({
    Acks: ['web-1', 'web-2'],
    Answers: [
      { From: 'web-1', Payload: Buffer.from('up\n').toString('base64') },
      { From: 'web-2', Payload: null },
    ],
  });
  expect(asked).toEqual([
    {
      name: 'uptime',
      payload: new Uint8Array(Buffer.from('since when?')),
      nodes: ['web-1', 'web-2'],
      tags: { role: 'web.*', dc: '=1' },
      ack: true,
      relayFactor: 2,
      timeoutMs: 3_000,
    },
  ]);
});

test("without any wish: Serf's own timeout, everybody, no acks", async () => {
  const { on, asked } = await asking();
  await on.request('/v1/agent/query-members/uptime', { method: 'POST' });
  expect(asked).toMatchObject([{ nodes: [], tags: {}, ack: false, relayFactor: 0, timeoutMs: 0 }]);
});

test.each([
  ['', 'Missing name'],
  ['_serf_list-keys', 'queries that begin with "_serf_" are Serf\'s own'],
  ['x?tag=role', 'Invalid tag: "role" is no KEY=EXPRESSION'],
  ['x?tag=role=(', 'regular expression, character 2: a group is not closed'],
  ['x?relay-factor=9', 'Bad request: Invalid relay-factor: Relay factor must be in range: [0, 5]'],
  ['x?timeout=1h', 'Invalid timeout: a duration up to 120s is wanted'],
  ['x?timeout=soon', 'Invalid timeout: a duration up to 120s is wanted'],
])('refused: %s', async (path, text) => {
  const { on, asked } = await asking();
  const seen = await on.request(`/v1/agent/query-members/${path}`, { method: 'PUT' });
  expect([seen.status, seen.text, asked]).toEqual([400, text, []]);
});
