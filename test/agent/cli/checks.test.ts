import { expect, test } from 'vitest';
import { fakeAgent, rollcall } from './stage.ts';

const check = (Node: string, CheckID: string, Status: string, more: object = {}) => ({
  Node,
  CheckID,
  Name: CheckID,
  Status,
  Output: '',
  ServiceID: '',
  ...more,
});

test('the catalog, the worst first, with one line of output', async () => {
  const agent = await fakeAgent(({ path }) =>
    path === '/v1/health/state/any'
      ? {
          body: [
            check('a', 'disk', 'passing'),
            check('b', 'http', 'critical', {
              ServiceID: 'shop',
              Output: 'HTTP GET\u001b[2J 500\nmore',
              LastChange: '2026-11-22T03:12:00.000Z',
            }),
            check('a', 'load', 'critical', { RollcallStatus: 'pending' }),
            check('c', '_node_maintenance', 'critical', { RollcallStatus: 'maintenance', Notes: 'kernel' }),
          ],
        }
      : undefined,
  );
  const { out } = await rollcall(['checks', '--http-addr', agent.address]);
  expect(out.split('\n')).toEqual([
    'Status       Node  Service  Check              Since                     Output',
    'critical     b     shop     http               2026-11-22T03:12:00.000Z  HTTP GET\ufffd[2J 500',
    'maintenance  c              _node_maintenance                            kernel',
    'pending      a              load',
    'passing      a              disk',
    '',
  ]);
});

test('--local asks the agent for its own', async () => {
  const agent = await fakeAgent(({ path }) =>
    path === '/v1/agent/checks' ? { body: { disk: check('a', 'disk', 'pending') } } : undefined,
  );
  const { out } = await rollcall(['checks', '--local', '--format', 'json', '--http-addr', agent.address]);
  expect(JSON.parse(out)).toEqual([check('a', 'disk', 'pending')]);
});

test('a status that an agent has only from before its start says how old it is', async () => {
  const restored = { Restored: true, LastResult: new Date(Date.now() - 3_600_000).toISOString() };
  const agent = await fakeAgent(({ path }) =>
    path === '/v1/agent/checks' ? { body: { disk: check('a', 'disk', 'passing', restored) } } : undefined,
  );
  const { out } = await rollcall(['checks', '--local', '--http-addr', agent.address]);
  expect(out).toMatch(/^passing \(1h0m\d+s old\) {2}a {3,}disk/m);
});

test('an agent without servers: its own words and exit code 1', async () => {
  const agent = await fakeAgent(() => ({ status: 500, body: 'No known Consul servers' }));
  expect(await rollcall(['checks', '--http-addr', agent.address])).toEqual({
    code: 1,
    out: '',
    error: 'rollcall: No known Consul servers\n',
  });
});

test('a word that is none of them is refused', async () => {
  const agent = await fakeAgent(() => ({ body: [] }));
  const { code, error } = await rollcall(['checks', '--status', 'fine', '--http-addr', agent.address]);
  expect([code, error]).toEqual([2, expect.stringContaining('Allowed choices are')]);
});
