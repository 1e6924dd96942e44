import { expect, test } from 'vitest';
import { Api } from '../../../agent/cli/api.ts';
import { followStream } from '../../../agent/cli/follow-stream.ts';
import { fakeAgent, type Reply } from './stage.ts';

const lines = (...records: object[]): Reply => ({
  stream: (response) => response.end(records.map((record) => `${JSON.stringify(record)}\n`).join('')),
});

/** Follows an agent that gives these answers, one a connection, until so many records have come. */
async function follow(replies: Reply[], count: number) {
  const agent = await fakeAgent(() => replies.shift());
  const records: object[] = [];
  const said: string[] = [];
  const request = () => ({
    path: '/stream',
    query: { after: String(records.length) },
    resumed: `again, after ${records.length}`,
  });
  const options = {
    onChange: async (message: string) => void said.push(message),
    wait: async () => {},
  };
  for await (const record of followStream<object>(new Api(agent.address), request, options)) {
    records.push(record);
    if (records.length === count) break;
  }
  return { records, said, asked: agent.requests.map(({ path, query }) => `${path} ${query.get('after')}`) };
}

test('a stream that ends is opened again with the request of the moment, and both is said once', async () => {
  const { records, said, asked } = await follow(
    [lines({ a: 1 }, { a: 2 }), { status: 503 }, { status: 503 }, lines({ a: 3 }), lines({ a: 4 })],
    4,
  );
  expect(records).toEqual([{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }]);
  expect(asked).toEqual(['/stream 0', '/stream 2', '/stream 2', '/stream 2', '/stream 3']);
  expect(said).toEqual([
    'the agent ended the stream; trying again',
    'again, after 2',
    'the agent ended the stream; trying again',
    'again, after 3',
  ]);
});

test('the last word of the agent is the reason that is told', async () => {
  const { said } = await follow([lines({ Error: { Message: 'agent is stopping' } }), lines({ a: 1 })], 2);
  expect(said[0]).toBe('agent is stopping; trying again');
});

test('before the first connection nothing is tried again, and what is wrong stays wrong', async () => {
  await expect(follow([{ status: 500, body: 'no servers' }], 1)).rejects.toThrow('no servers');
  await expect(follow([lines({ a: 1 }), { status: 400, body: 'bad filter' }], 2)).rejects.toThrow(
    'bad filter',
  );
});
