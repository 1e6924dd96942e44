import { expect, test } from 'vitest';
import { fakeAgent, rollcall } from './stage.ts';

const members = [
  {
    Name: 'web-2',
    Addr: '::1',
    Port: 8301,
    Status: 4,
    Tags: { role: 'node', dc: 'dc1', build: '1.8.7:', id: 'b' },
  },
  {
    Name: 'server-1',
    Addr: '10.0.0.1',
    Port: 8301,
    Status: 1,
    Tags: { role: 'node', dc: 'dc1', rc_port: '8300', build: '1.8.7:rollcall-0.1.0', id: 'a' },
  },
  { Name: 'zoo', Addr: '10.0.0.3', Port: 7946, Status: 2, Tags: {} },
];

test('a table for people, sorted by name', async () => {
  const agent = await fakeAgent(() => ({ body: members }));
  const { code, out } = await rollcall(['members', '--http-addr', `http://${agent.address}/`]);
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    'Node      Address        State    Type    DC   Build           Id',
    'server-1  10.0.0.1:8301  alive    server  dc1  rollcall-0.1.0  a',
    'web-2     [::1]:8301     failed   agent   dc1  1.8.7           b',
    'zoo       10.0.0.3:7946  leaving',
    '',
  ]);
});

test('JSON for programs, as the API has it', async () => {
  const agent = await fakeAgent(() => ({ body: members }));
  const { out } = await rollcall(['members', '--format', 'json', '--status', 'failed'], {
    ROLLCALL_HTTP_ADDR: agent.address,
  });
  expect(JSON.parse(out)).toEqual([members[0]]);
});

test('a word that is none of them is refused', async () => {
  const agent = await fakeAgent(() => ({ body: [] }));
  const { code, error } = await rollcall(['members', '--status', 'fine', '--http-addr', agent.address]);
  expect([code, error]).toEqual([2, expect.stringContaining('Allowed choices are')]);
});
