import { expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import type { Rpc } from '../../../proto/rpc.ts';
import { stage } from './stage.ts';

const entry = { id: 'id-s1', node: 's1', address: '127.0.0.1:8300', leader: true, voter: true };
const learner = { id: 'id-s9', node: '', address: '127.0.0.9:8300', leader: false, voter: false };

/** Servers that answer with these values, and what they were asked. */
function servers(answers: Record<string, unknown>) {
  const asked: unknown[] = [];
  const rpc = {
    call: async (method: string, params: unknown) => {
      asked.push([method, params]);
      const answer = answers[method];
      if (answer instanceof Error) throw answer;
      return answer;
    },
  } as unknown as Rpc;
  return { rpc, asked };
}

test('the configuration, with (unknown) for a server that the catalog does not know', async () => {
  const { rpc, asked } = servers({ 'server.list': { servers: [entry, learner] } });
  const on = await stage({ rpc });
  const answer = await on.request('/v1/operator/raft/configuration?stale');
  expect(answer.json()).toEqual({
    Servers: [
      {
        ID: 'id-s1',
        Node: 's1',
        Address: '127.0.0.1:8300',
        Leader: true,
        ProtocolVersion: '3',
        Voter: true,
      },
      {
        ID: 'id-s9',
        Node: '(unknown)',
        Address: '127.0.0.9:8300',
        Leader: false,
        ProtocolVersion: '3',
        Voter: false,
      },
    ],
    Index: 0,
  });
  expect(asked).toEqual([['server.list', { stale: true }]]);
  expect((await on.request('/v1/operator/raft/configuration?dc=mars')).text).toBe('No path to datacenter');
});

test('a peer is removed by id or by address, never by both or neither', async () => {
  const { rpc, asked } = servers({ 'server.remove': {} });
  const on = await stage({ rpc });
  const remove = (query: string) => on.request(`/v1/operator/raft/peer${query}`, { method: 'DELETE' });
  expect(await remove('?id=a')).toMatchObject({ status: 200, text: '' });
  expect(await remove('?address=10.0.0.1:8300')).toMatchObject({ status: 200, text: '' });
  expect(asked).toEqual([
    ['server.remove', { id: 'a', address: '' }],
    ['server.remove', { id: '', address: '10.0.0.1:8300' }],
  ]);
  expect(await remove('')).toMatchObject({
    status: 400,
    text: "Bad request: Must specify either ?id with the server's ID or ?address with IP:port of peer to remove",
  });
  expect(await remove('?id=x&address=y')).toMatchObject({
    status: 400,
    text: 'Bad request: Must specify only one of ?id or ?address',
  });
  const get = await on.request('/v1/operator/raft/peer?id=a');
  expect([get.status, get.text, get.header('allow')]).toEqual([
    405,
    'method GET not allowed',
    'OPTIONS,DELETE',
  ]);
});

test('what is refused is answered with 500 and the reason', async () => {
  const { rpc } = servers({
    'server.remove': new ExpectedError('QUORUM', 'the quorum would be lost: …'),
    'server.promote': new ExpectedError('BUSY', 'it lacks 300 entries'),
    'leader.transfer': new ExpectedError('NOT_FOUND', 'x is no other voter of this cluster'),
  });
  const on = await stage({ rpc });
  const answers = await Promise.all([
    on.request('/v1/operator/raft/peer?id=x', { method: 'DELETE' }),
    on.request('/v1/operator/raft/voter?id=x', { method: 'PUT' }),
    on.request('/v1/operator/raft/transfer-leader?id=x', { method: 'POST' }),
  ]);
  expect(answers.map(({ status, text }) => [status, text])).toEqual([
    [500, 'the quorum would be lost: …'],
    [500, 'it lacks 300 entries'],
    [500, 'x is no other voter of this cluster'],
  ]);
});

test('leadership is handed over, with PUT as with POST', async () => {
  const { rpc, asked } = servers({ 'leader.transfer': {} });
  const on = await stage({ rpc });
  for (const method of ['PUT', 'POST']) {
    const answer = await on.request('/v1/operator/raft/transfer-leader', { method });
    expect(answer.json()).toEqual({ Success: true });
  }
  expect(asked).toHaveLength(2);
});

test('health is 200 when all servers are well, and 429 with the same body when one is not', async () => {
  const well = { state: 'alive', healthy: true, lastContactMs: 100, lastIndex: 7 };
  const answer = { failureTolerance: 0, servers: [{ ...entry, ...well }], term: 3 };
  const on = await stage({ rpc: servers({ 'server.health': answer }).rpc });
  const good = await on.request('/v1/operator/autopilot/health');
  expect(good.status).toBe(200);
  expect(good.json()).toMatchObject({
    Healthy: true,
    FailureTolerance: 0,
    Servers: [{ ID: 'id-s1', Name: 's1', SerfStatus: 'alive', LastContact: '100ms', LastTerm: 3 }],
  });
  const sick = { ...learner, state: 'failed', healthy: false, lastContactMs: -1, lastIndex: 0 };
  const worse = { ...answer, servers: [...answer.servers, sick] };
  const off = await stage({ rpc: servers({ 'server.health': worse }).rpc });
  const bad = await off.request('/v1/operator/autopilot/health');
  expect(bad.status).toBe(429);
  expect(bad.json()).toMatchObject({ Healthy: false, Servers: [{}, { LastContact: 'never' }] });
});

test("autopilot's rules can be read", async () => {
  const on = await stage();
  const answer = await on.request('/v1/operator/autopilot/configuration');
  expect(answer.json()).toMatchObject({ MaxTrailingLogs: 250, ServerStabilizationTime: '10s' });
});
