import { expect, test } from 'vitest';
import { ask } from './stage.ts';

const answers = { 'PUT /v1/agent/user-event/deploy%2Fweb': { body: { Name: 'deploy/web' } } };

test('a plain event with its payload; a name with a slash stays one name', async () => {
  const { code, out, requests } = await ask(answers, ['event', 'deploy/web', 'v1.2']);
  expect({ code, out }).toEqual({ code: 0, out: 'The event deploy/web is on its way to all members.\n' });
  expect([requests[0]!.body, requests[0]!.query.has('coalesce')]).toEqual(['v1.2', false]);
  const coalesced = await ask(answers, ['event', 'deploy/web', '--coalesce', '--format', 'json']);
  expect(coalesced.requests[0]!.query.has('coalesce')).toBe(true);
  expect(JSON.parse(coalesced.out)).toEqual({ Name: 'deploy/web' });
});

test('what the agent refuses is one clear line', async () => {
  const refusal = { status: 500, body: 'user event exceeds configured limit of 512 bytes before encoding' };
  const { code, error } = await ask({ 'PUT /v1/agent/user-event/big': refusal }, ['event', 'big', 'x']);
  expect({ code, error }).toEqual({ code: 1, error: `rollcall: ${refusal.body}\n` });
});
