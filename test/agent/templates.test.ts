import { expect, test } from 'vitest';
import { Templates } from '../../agent/templates.ts';

test('templates are filled in once they are loaded, and not before', async () => {
  const templates = new Templates();
  expect(() => templates.fill).toThrow('before templates were loaded');
  const source = {
    templates: { port: { check: { tcp: 'localhost:1', interval: '10s' } } },
    checkDefaults: {},
  };
  const request = { use: 'port', with: {}, id: 'door', name: '', notes: '', serviceId: '' };
  const fill = await templates.load();
  expect(fill(source, request)).toMatchObject({ ok: true, definition: { id: 'door' } });
  expect(templates.fill).toBe(fill);
});
