import { expect, test } from 'vitest';
import { Api } from '../../../agent/cli/api.ts';
import { ask, fakeAgent } from './stage.ts';

test('an agent that speaks no JSON is named as such', async () => {
  const { code, error } = await ask({ 'GET /v1/agent/members': { body: '<html>\u001b[31m' } }, ['members']);
  expect(code).toBe(1);
  expect(error).toMatch(/did not answer with JSON \("<html>\ufffd\[31m"\): is it an agent\?\n$/);
});

test.each([
  ['10.0.0.1', 'http://10.0.0.1:8500'],
  ['http://web-1:80/', 'http://web-1:80'],
  ['[::1]:9000', 'http://[::1]:9000'],
  ['::1', 'http://[::1]:8500'],
])('the address %s means %s', (address, base) => {
  expect(new Api(address).base).toBe(base);
});

test('an answer that breaks off is no answer', async () => {
  const agent = await fakeAgent(() => ({
    headers: { 'content-length': '100' },
    stream: (response) => void response.write('[{', () => response.destroy()),
  }));
  await expect(new Api(agent.address).json('/v1/agent/members')).rejects.toThrow(/broke off/);
});

test('a refusal without words names its status', async () => {
  const agent = await fakeAgent(() => ({ status: 405, body: '' }));
  await expect(new Api(agent.address).put('/v1/x')).rejects.toMatchObject({ status: 405, code: 1 });
});

test('a parameter without a value is only a name', async () => {
  const agent = await fakeAgent(() => ({ body: [] }));
  await new Api(agent.address).get('/v1/x', { stale: '', tag: ['a&b', 'c'], none: undefined });
  expect([...agent.requests[0]!.query]).toEqual([
    ['stale', ''],
    ['tag', 'a&b'],
    ['tag', 'c'],
  ]);
});
