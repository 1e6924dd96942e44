import { expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import { member, recordedExchanges, shapeOf, stage } from './stage.ts';

test('self has what clients read, with strings for all statistics', async () => {
  const on = await stage({ raftStatus: () => ({ state: 'Follower', term: 3 }) });
  const self = (await on.request('/v1/agent/self')).json() as Record<string, never>;
  expect(self).toMatchObject({
    Config: { Datacenter: 'dc1', NodeName: 'client1', NodeID: 'id-client1', Server: false },
    Member: { Name: 'client1', Status: 1 },
    Stats: { raft: { state: 'Follower', term: '3' }, agent: { checks: '0' } },
    Meta: { env: 'test' },
  });
  const recorded = recordedExchanges('agent-self-members').get('self on a client')!.response
    .body as typeof self;
  for (const key of ['Config', 'Coord', 'Member']) {
    const { Tags: _mine, ...mine } = shapeOf(self[key]) as Record<string, unknown>;
    const { Tags: _theirs, ...theirs } = shapeOf(recorded[key]) as Record<string, unknown>;
    expect(mine).toEqual(theirs);
  }
});

test("members have Serf's numbers; a suspect still counts as alive", async () => {
  const on = await stage();
  on.members.push(
    member('b', { state: 'suspect' }),
    member('c', { state: 'failed' }),
    member('d', { state: 'left' }),
    member('e', { state: 'leaving' }),
  );
  const seen = (await on.request('/v1/agent/members?segment=_all')).json() as Array<{ Status: number }>;
  expect(seen.map(({ Status }) => Status)).toEqual([1, 1, 4, 3, 2]);
  const recorded = recordedExchanges('agent-self-members').get('members LAN seen by the client')!;
  expect(Object.keys(seen[0]!)).toEqual(Object.keys((recorded.response.body as object[])[0]!));
  expect((await on.request('/v1/agent/members?wan=1')).text).toBe('null');
  const segment = await on.request('/v1/agent/members?segment=alpha');
  expect([segment.status, segment.text]).toEqual([
    500,
    'Network segments are not supported in this version of Consul',
  ]);
});

test('join answers as Consul does, also when nobody is there', async () => {
  const on = await stage();
  expect((await on.request('/v1/agent/join/%5B::1%5D:8301', { method: 'PUT' })).status).toBe(200);
  expect(on.said).toEqual(['join [::1]:8301']);
  const nobody = await on.request('/v1/agent/join/127.0.0.77', { method: 'PUT' });
  const recorded = recordedExchanges('agent-join-leave').get('join an address where nobody listens')!;
  expect([nobody.status, nobody.text]).toEqual([500, recorded.response.bodyText]);
  expect((await on.request('/v1/agent/join/10.0.0.1?wan=1', { method: 'PUT' })).text).toBe(
    'Must be a server to join WAN cluster',
  );
});

test('leave says goodbye first, answers, and only then the process ends', async () => {
  const on = await stage();
  expect((await on.request('/v1/agent/leave', { method: 'PUT' })).status).toBe(200);
  await expect.poll(() => on.said).toEqual(['leave', 'stop']);
});

test('a leave that would lose the quorum is refused with the reason, and the process goes on', async () => {
  const on = await stage({
    leave: async () => {
      throw new ExpectedError('QUORUM', 'refused: 1 of 2 servers would remain');
    },
  });
  const seen = await on.request('/v1/agent/leave', { method: 'PUT' });
  expect([seen.status, seen.text]).toEqual([500, 'refused: 1 of 2 servers would remain']);
  expect(on.said).toEqual([]);
});

test('force-leave', async () => {
  const on = await stage();
  expect((await on.request('/v1/agent/force-leave/client1?prune', { method: 'PUT' })).status).toBe(200);
  const unknown = await on.request('/v1/agent/force-leave/nope', { method: 'PUT' });
  expect([unknown.status, unknown.text]).toEqual([500, "agent: No node found with name 'nope'"]);
  expect(on.said).toEqual(['force-leave client1 prune', 'force-leave nope']);
});

test('a reload answers what it changed, or why it changed nothing', async () => {
  const on = await stage();
  expect((await on.request('/v1/agent/reload', { method: 'PUT' })).json()).toMatchObject({
    restart: ['ports'],
  });
  const broken = await stage({
    reload: async () => {
      throw new ExpectedError('BAD_REQUEST', 'web.yaml:3:1: unknown key "intervall"', { status: 500 });
    },
  });
  const seen = await broken.request('/v1/agent/reload', { method: 'PUT' });
  expect([seen.status, seen.text]).toEqual([500, 'web.yaml:3:1: unknown key "intervall"']);
});

test('maintenance of the node', async () => {
  const on = await stage();
  const put = (query: string) => on.request(`/v1/agent/maintenance${query}`, { method: 'PUT' });
  expect((await put('?enable=true&reason=new%20disk')).status).toBe(200);
  expect((await on.request('/v1/agent/checks')).json()).toMatchObject({
    _node_maintenance: { Status: 'critical', Notes: 'new disk', Type: 'maintenance' },
  });
  expect((await put('?enable=false')).status).toBe(200);
  expect((await on.request('/v1/agent/checks')).text).toBe('{}');
  expect((await put('')).text).toBe('Missing value for enable');
  expect((await put('?enable=yes')).text).toBe('Invalid value for enable: "yes"');
});

test('info says since when no server answers and how much waits for one', async () => {
  const on = await stage();
  expect((await on.request('/v1/agent/info')).json()).toMatchObject({
    Escapes: { Ended: 2, Named: 1 },
    Address: {
      Advertised: expect.stringMatching(/:8301$/),
      SeenAs: [{ Address: '192.0.2.1:8301', By: 'web-2', At: '2026-11-22T00:00:00.000Z' }],
    },
    Name: 'client1',
    ID: 'id-client1',
    Server: false,
    Servers: {
      Known: [{ Name: 's1', Address: '127.0.0.1:8300' }],
      Used: '',
      SilentSince: '2026-11-22T00:00:00.000Z',
      LastFailure: 'connection refused',
    },
    Journal: { Unconfirmed: 7 },
    Sync: { ComparedAt: '', Failures: 2 },
    Members: { alive: 1 },
    Raft: null,
  });
});
