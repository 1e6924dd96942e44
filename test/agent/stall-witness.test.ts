import { expect, test } from 'vitest';
import { stalledEvent } from '../../agent/gossip-watch.ts';
import { StallWitness } from '../../agent/stall-witness.ts';
import { ExpectedError } from '../../proto/errors.ts';
import { OneServer } from './http/one-server.ts';

/** The agent of a server, which hears of others. */
function stage(isLeader = true) {
  const server = new OneServer();
  server.join('web-2', '10.0.0.2');
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const logger = { debug: say, info: say, warn: say, error: say };
  const witness = new StallWitness({ rpc: server, logger, isLeader: () => isLeader });
  const hear = (node: string) =>
    witness.receive({
      name: stalledEvent,
      payload: Buffer.from(JSON.stringify({ Node: node, Ms: 5_000 })),
      ltime: 1,
      coalesce: false,
    });
  const checks = async (node: string) => {
    const query = { of: 'nodeChecks', node } as const;
    const { rows } = await server.call('catalog.query', { query, mode: 'default', maxStaleMs: null });
    return rows.checks.filter(({ id }) => id === 'agent-stalled');
  };
  return { server, said, hear, checks };
}

test('the leader writes the critical check of an agent that cannot, and changes nothing else of it', async () => {
  const { server, hear, checks } = stage();
  hear('web-2');
  hear('web-2');
  await expect
    .poll(() => checks('web-2'))
    .toMatchObject([
      { status: 'critical', output: 'this agent has stood still for 5 s while its gossip goes on' },
    ]);
  expect(server.writes).toHaveLength(1);
  const { rows } = await server.call('catalog.query', {
    query: { of: 'node', node: 'web-2' },
    mode: 'default',
    maxStaleMs: null,
  });
  expect(rows.nodes).toMatchObject([{ name: 'web-2', address: '10.0.0.2', external: false, state: 'alive' }]);
});

test('whoever does not lead leaves it to the one who does; nodes that nobody knows are not made', async () => {
  const follower = stage(false);
  follower.hear('web-2');
  const leader = stage();
  leader.hear('nobody');
  await expect.poll(() => leader.server.queries.length).toBe(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect([follower.server.queries, follower.server.writes, leader.server.writes]).toEqual([[], [], []]);
});

test('a server that lost its leadership meanwhile says so in its log, and no more', async () => {
  const { server, said, hear } = stage();
  server.trouble = new ExpectedError('NO_LEADER');
  hear('web-2');
  await expect.poll(() => said).toEqual(['cannot write that web-2 stands still: No cluster leader']);
});
