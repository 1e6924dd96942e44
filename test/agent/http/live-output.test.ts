import { expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import type { Clock } from '../../../proto/ports.ts';
import type { RpcCalls } from '../../../proto/rpc.ts';
import type { OneServer } from './one-server.ts';
import { realClock, stage } from './stage.ts';

interface Check {
  readonly Node: string;
  readonly CheckID: string;
  readonly Output: string;
  readonly OutputLive: boolean;
  readonly OutputTime: string;
}

/** Nodes a and b with a check each; only the agents in `outputs` can be reached. */
async function cluster(outputs: Record<string, string>, patienceIsOver = false) {
  const after: Clock['after'] = (delayMs, run) => realClock.after(patienceIsOver ? 50 : delayMs, run);
  const on = await stage({ clock: { ...realClock, after } });
  const asked: Array<RpcCalls['agent.output']['params']> = [];
  for (const node of ['a', 'b', 'client1']) {
    on.server.join(node, '10.0.0.1');
    on.server.apply({
      kind: 'catalog.register',
      v: 1,
      node: {
        ...{ name: node, id: `id-${node}`, address: '10.0.0.1', datacenter: 'dc1' },
        ...{ taggedAddresses: null, meta: null, skipUpdate: true },
      },
      service: null,
      checks: [
        {
          ...{
            node,
            id: 'disk',
            name: 'disk',
            notes: '',
            status: 'passing',
            output: `${node} of the change`,
          },
          ...{ serviceId: '', serviceName: '', serviceTags: [], type: 'script', definition: {} },
        },
      ],
    });
  }
  const answer = on.server.call;
  on.server.call = (async (method: 'agent.output', params: RpcCalls['agent.output']['params']) => {
    if (method !== 'agent.output') return answer(method as never, params as never);
    asked.push(params);
    const output = outputs[params.node];
    if (output === 'silence') return new Promise(() => {});
    if (output === undefined) throw new ExpectedError('NOT_FOUND', 'no connection');
    return { outputs: { disk: { output, atMs: Date.UTC(2026, 10, 22, 4) } } };
  }) as OneServer['call'];
  const read = async (path: string) => (await on.request(path)).json() as Check[];
  return { on, asked, read };
}

test('without the parameter nobody is asked', async () => {
  const { asked, read } = await cluster({ a: 'newest' });
  const [check] = (await read('/v1/health/node/a')).filter(({ CheckID }) => CheckID === 'disk');
  expect(check).toMatchObject({ Output: 'a of the change' });
  expect(check).not.toHaveProperty('OutputLive');
  expect(asked).toEqual([]);
});

test('the newest output comes from the agent, and what cannot be had stays what the catalog has', async () => {
  const { asked, read } = await cluster({ a: 'newest of a' });
  const checks = await read('/v1/health/state/passing?output=live');
  const disks = checks.filter(({ CheckID, Node }) => CheckID === 'disk' && Node !== 'client1');
  expect(disks).toMatchObject([
    { Node: 'a', Output: 'newest of a', OutputLive: true, OutputTime: '2026-11-22T04:00:00.000Z' },
    { Node: 'b', Output: 'b of the change', OutputLive: false, OutputTime: '2026-11-22T03:12:00.000Z' },
  ]);
  expect(asked.map(({ node }) => node).sort()).toEqual(['a', 'b']);
});

test('an agent that says nothing delays the answer until patience is over, and no longer', async () => {
  const { read } = await cluster({ a: 'newest of a', b: 'silence' }, true);
  const disks = (await read('/v1/health/state/passing?output=live')).filter(({ Node }) => Node !== 'client1');
  expect(disks.filter(({ CheckID }) => CheckID === 'disk')).toMatchObject([
    { Node: 'a', Output: 'newest of a', OutputLive: true },
    { Node: 'b', Output: 'b of the change', OutputLive: false },
  ]);
});

test('this agent is not asked over a server', async () => {
  const { on, asked, read } = await cluster({});
  await on.request('/v1/agent/check/register', { json: { ID: 'disk', Name: 'disk', TTL: '1m' } });
  await on.request('/v1/agent/check/update/disk', { json: { Output: 'from here' } });
  const checks = await read('/v1/health/node/client1?output=live');
  expect(checks.find(({ CheckID }) => CheckID === 'disk')).toMatchObject({
    Output: 'from here',
    OutputLive: true,
  });
  expect(asked).toEqual([]);
});

test('another kind of output is refused', async () => {
  const { on } = await cluster({});
  const refused = await on.request('/v1/health/node/a?output=fresh');
  expect([refused.status, refused.text]).toEqual([400, 'Invalid output: "fresh" is not "live"']);
});
