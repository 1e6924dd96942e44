import { expect, test } from 'vitest';
import { ask } from './stage.ts';

test('force-leave: a name with a slash stays one name, --prune is passed on', async () => {
  const answers = { 'PUT /v1/agent/force-leave/web%2F3': {} };
  const { code, out, requests } = await ask(answers, ['force-leave', 'web/3', '--prune']);
  expect({ code, out }).toEqual({ code: 0, out: 'web/3 is forgotten.\n' });
  expect(requests[0]!.query.has('prune')).toBe(true);
});
