import { expect, test } from 'vitest';
import { ask } from './stage.ts';

test('info: facts as indented lines', async () => {
  const body = {
    Name: 'web-1',
    Servers: [{ Name: 's1', Address: '10.0.0.1:8300' }],
    NoServerSince: null,
    Journal: { Length: 3, Full: false },
    Raft: {},
  };
  const { out } = await ask({ 'GET /v1/agent/info': { body } }, ['info']);
  expect(out).toBe(
    'Name: web-1\nServers:\n  - Name s1, Address 10.0.0.1:8300\nNo server since: -\nJournal:\n  Length: 3\n  Full: no\nRaft: none\n',
  );
  expect(
    JSON.parse((await ask({ 'GET /v1/agent/info': { body } }, ['info', '--format', 'json'])).out),
  ).toEqual(body);
});
