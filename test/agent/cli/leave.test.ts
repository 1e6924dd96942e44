import { expect, test } from 'vitest';
import { ask } from './stage.ts';

test('leave says what happened, and the reason when it is refused', async () => {
  expect(await ask({ 'PUT /v1/agent/leave': {} }, ['leave'])).toMatchObject({
    code: 0,
    out: 'The agent has left.\n',
  });
  const refused = { status: 500, body: 'refused: the quorum would be lost' };
  expect(await ask({ 'PUT /v1/agent/leave': refused }, ['leave'])).toMatchObject({
    code: 1,
    out: '',
    error: 'rollcall: refused: the quorum would be lost\n',
  });
});
