import { expect, test } from 'vitest';
import { ask } from './stage.ts';

test('join: who was reached, who was not, and exit code 1 only when nobody was', async () => {
  const refused = {
    status: 500,
    body: '1 error occurred:\n\t* Failed to join 10.0.0.9: connection refused\n\n',
  };
  const answers = { 'PUT /v1/agent/join/10.0.0.1%3A8301': {}, 'PUT /v1/agent/join/10.0.0.9': refused };
  const some = await ask(answers, ['join', '10.0.0.1:8301', '10.0.0.9']);
  expect(some).toMatchObject({ code: 0, out: 'Joined 10.0.0.1:8301.\n' });
  expect(some.error).toBe('10.0.0.9: Failed to join 10.0.0.9: connection refused\n');
  const none = await ask(answers, ['join', '10.0.0.9']);
  expect(none).toMatchObject({ code: 1, out: '' });
  expect(none.error).toContain('rollcall: joined nobody');
});
