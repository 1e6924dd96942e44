import { expect, test } from 'vitest';
import { rollcall } from './stage.ts';

test.each([
  ['config', 'node_name'],
  ['check', 'interval'],
  ['service', 'checks'],
  ['event', 'Offset'],
  ['local-event', 'Omitted'],
])('the JSON Schema of a %s knows its keys', async (what, key) => {
  const { code, out } = await rollcall(['schema', what]);
  expect(code).toBe(0);
  const schema = JSON.parse(out);
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  expect(Object.keys(schema.properties)).toContain(key);
  expect(schema.additionalProperties).toBe(false);
});

test('a configuration file is the default, with the definitions inside', async () => {
  const schema = JSON.parse((await rollcall(['schema'])).out);
  expect(schema.title).toBe('Rollcall configuration file');
  expect(schema.required).toBeUndefined();
  expect(schema.properties.services.items).toEqual({ $ref: '#/$defs/service' });
  expect(Object.keys(schema.$defs.service.properties)).toContain('enable_tag_override');
  expect(Object.keys(schema.$defs.check.properties)).toContain('for_each');
});

test('a record of a stream is an event, a gap, a position or an error', async () => {
  const schema = JSON.parse((await rollcall(['schema', 'record'])).out);
  expect(schema.anyOf).toEqual(
    ['event', 'gap', 'position', 'error'].map((name) => ({ $ref: `#/$defs/${name}` })),
  );
  expect(schema.$defs.event.required).toContain('Evidence');
  expect(Object.keys(schema.$defs.gap.properties.Gap.properties)).toEqual(['From', 'To', 'Reason']);
});
