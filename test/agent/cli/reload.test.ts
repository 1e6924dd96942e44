import { expect, test } from 'vitest';
import { ask } from './stage.ts';

test('reload: the difference item by item; a broken file is named and changes nothing', async () => {
  const body = {
    items: [
      { item: 'check', id: 'disk', change: 'added' },
      { item: 'service', id: 'web', change: 'removed' },
    ],
    live: ['log_level'],
    restart: ['ports'],
  };
  expect((await ask({ 'PUT /v1/agent/reload': { body } }, ['reload'])).out).toBe(
    '+ check disk added\n- service web removed\nIn effect now: log_level.\nIn effect after a restart: ports.\n',
  );
  const broken = { status: 500, body: 'a.yaml:1:1: error: prots: is not a known key' };
  expect(await ask({ 'PUT /v1/agent/reload': broken }, ['reload'])).toMatchObject({
    code: 1,
    error: 'rollcall: a.yaml:1:1: error: prots: is not a known key\n',
  });
  const worse = { status: 500, body: 'a.yaml:1:1: error: one\nb.yaml:2:1: error: two' };
  expect(await ask({ 'PUT /v1/agent/reload': worse }, ['reload'])).toMatchObject({
    code: 1,
    error:
      'a.yaml:1:1: error: one\nb.yaml:2:1: error: two\nrollcall: the configuration has errors; nothing has changed\n',
  });
});
