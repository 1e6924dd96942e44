import { expect, test } from 'vitest';
import { isExpected } from '../../../../proto/errors.ts';
import type { RpcPeer } from '../../../../proto/rpc.ts';
import { TestCluster, until } from '../../cluster.ts';

const agent: RpcPeer = { nodeId: 'a', node: 'web-1', kind: 'agent', clusterId: '' };
const garbage = [
  null,
  7,
  'x',
  [],
  {},
  { identity: null },
  { messages: 3 },
  { messages: [null] },
  { body: {} },
  { query: 1 },
];

test('whatever parameters a method is called with, the answer is an expected error, and the server goes on', async () => {
  const cluster = new TestCluster('garbage');
  const server = await cluster.grow(1);
  const { calls, notices, streams } = server.handlers!;
  // These take none, so there is nothing that could be wrong.
  const careless = [
    'status',
    'bootstrap.status',
    'cursor.list',
    'server.health',
    'leader.time',
    'server.list',
  ];
  for (const [method, call] of Object.entries(calls)) {
    for (const params of careless.includes(method) ? [] : garbage) {
      const answer = (async (): Promise<unknown> => call(params as never, agent))();
      const outcome = await until(cluster, answer).then(
        () => 'answered',
        (error: unknown) => (isExpected(error) ? 'refused' : error),
      );
      expect([method, params, outcome]).toEqual([method, params, 'refused']);
    }
  }
  for (const params of garbage) {
    for (const notice of Object.values(notices)) {
      for (const kind of ['agent', 'server'] as const) notice(params as never, { ...agent, kind });
    }
    const stream = streams['events.read'](params as never, agent, new AbortController().signal);
    await expect(stream[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  }
  await cluster.settle(1_000);
  expect(server.halted).toBeNull();
  expect(server.raft!.role).toBe('leader');
});
