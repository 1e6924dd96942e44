import { expect, test } from 'vitest';
import { ExpectedError } from '../../../../proto/errors.ts';
import type { Rpc, RpcCalls, RpcPeer } from '../../../../proto/rpc.ts';
import { output } from '../../../../server/rpc/methods/agents.ts';
import type { MethodContext } from '../../../../server/rpc/methods/context.ts';

const caller: RpcPeer = { nodeId: 'id-x', node: 'x', kind: 'agent', clusterId: '' };
const passedOn: RpcPeer = { nodeId: 's2', node: 's2', kind: 'server', clusterId: '' };
const question = { node: 'web-1', checks: ['door'] };
const answer: RpcCalls['agent.output']['answer'] = { outputs: { door: { output: 'open', atMs: 1 } } };

/** Server s1 of three; web-1 has its connection where the test says. */
function context(holder: string, serverIds: readonly string[] = ['s1', 's2', 's3']) {
  const asked: string[] = [];
  const answering = (name: string, works: boolean): Pick<Rpc, 'call'> => ({
    call: (async () => {
      asked.push(name);
      if (works) return answer;
      throw new ExpectedError('NOT_FOUND');
    }) as unknown as Rpc['call'],
  });
  const fsm = {
    state: {
      catalog: { node: (name: string) => (name === 'web-1' ? { id: 'id-web-1' } : undefined) },
      servers: new Map(serverIds.map((id) => [id, {}])),
    },
  };
  const made = {
    id: 's1',
    consensus: () => ({ fsm }),
    others: () => ['s2', 's3'],
    agent: (nodeId: string) => (holder === 's1' && nodeId === 'id-web-1' ? answering('agent', true) : null),
    rpc: (id: string) => answering(id, id === holder),
  } as unknown as MethodContext;
  return { made, asked };
}

test('the server that holds the connection asks the agent', async () => {
  const { made, asked } = context('s1');
  expect(await output(made, question, caller)).toEqual(answer);
  expect(asked).toEqual(['agent']);
});

test('another one asks the other servers, once', async () => {
  const { made, asked } = context('s3');
  expect(await output(made, question, caller)).toEqual(answer);
  expect(asked).toEqual(['s2', 's3']);
  await expect(output(made, question, passedOn)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('the agent of a server can only be asked there', async () => {
  const { made, asked } = context('id-web-1', ['s1', 's2', 'id-web-1']);
  expect(await output(made, question, caller)).toEqual(answer);
  expect(asked).toEqual(['id-web-1']);
});

test('when nobody can ask it, that is what everybody hears', async () => {
  const { made } = context('nobody');
  const missing = { code: 'NOT_FOUND', message: 'no server has a connection to the agent of web-1' };
  await expect(output(made, question, caller)).rejects.toMatchObject(missing);
  await expect(output(made, { node: 'nope', checks: [] }, caller)).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  await expect(output(made, { node: '', checks: [] }, caller)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});
