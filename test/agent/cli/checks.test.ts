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

test('an agent without servers: its own words and exit code 1', async () => {
  const agent = await fakeAgent(() => ({ status: 500, body: 'No known Consul servers' }));
  expect(await rollcall(['checks', '--http-addr', agent.address])).toEqual({
    code: 1,
    out: '',
    error: 'rollcall: No known Consul servers\n',
  });
});
