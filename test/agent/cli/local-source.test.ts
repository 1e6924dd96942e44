import { expect, test } from 'vitest';
import { Api } from '../../../agent/cli/api.ts';
import { followLocal, readLocal } from '../../../agent/cli/local-source.ts';
import { fakeAgent } from './stage.ts';

test('the newest so many, with the filters passed on', async () => {
  const agent = await fakeAgent(() => ({ body: [{ Kind: 'node.failed' }] }));
  expect(await readLocal(new Api(agent.address), { node: ['a', 'b'] }, 20)).toEqual([
    { Kind: 'node.failed' },
  ]);
  const [request] = agent.requests;
  expect([request!.path, request!.query.get('limit'), request!.query.getAll('node')]).toEqual([
    '/v1/events/local',
    '20',
    ['a', 'b'],
  ]);
});

test('a stream that was lost says that something is missing', async () => {
  const agent = await fakeAgent(() => ({ stream: (response) => response.end('{"Kind":"node.failed"}\n') }));
  const said: string[] = [];
  const options = { onChange: async (message: string) => void said.push(message), wait: async () => {} };
  let count = 0;
  for await (const record of followLocal(new Api(agent.address), {}, options)) {
    expect(record).toEqual({ Kind: 'node.failed' });
    count += 1;
    if (count === 2) break;
  }
  expect(agent.requests.map(({ path }) => path)).toEqual([
    '/v1/events/local/stream',
    '/v1/events/local/stream',
  ]);
  expect(said).toContain('connected again; what was heard in between is missing');
});
