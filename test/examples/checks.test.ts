import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { schemaOf } from '../../agent/cli/schema.ts';
import { loadConfig } from '../../agent/config/load.ts';
import { formatProblem } from '../../agent/config/problems.ts';

const folder = fileURLToPath(new URL('../../examples/checks/', import.meta.url));
const schemaFile = '../config.schema.json';
const files = readdirSync(folder);

test.each(files)('%s loads without an error or a warning', async (name) => {
  const { problems } = await loadConfig({ paths: [join(folder, name)], flags: { dev: true } });
  expect(problems.map(formatProblem)).toEqual([]);
});

test.each(files.filter((name) => name.endsWith('.yaml')))('%s names the schema for editors', (name) => {
  const [first] = readFileSync(join(folder, name), 'utf8').split('\n', 1);
  expect(first).toBe(`# yaml-language-server: $schema=${schemaFile}`);
});

test('the schema beside the examples is what `rollcall schema` prints', () => {
  expect(JSON.parse(readFileSync(join(folder, schemaFile), 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(schemaOf('config'))),
  );
});

test('all of them are one configuration', async () => {
  const { problems } = await loadConfig({ paths: [folder], flags: { dev: true } });
  expect(problems.map(formatProblem)).toEqual([]);
});

test('templates become what they say they do', async () => {
  const { config } = await loadConfig({ paths: [join(folder, 'templates.yaml')], flags: { dev: true } });
  expect(config!.services.map(({ name, port, tags }) => ({ name, port, tags }))).toEqual([
    { name: 'catalogue', port: 8082, tags: [] },
    { name: 'blog', port: 8081, tags: ['static'] },
  ]);
  expect(config!.checks.map(({ id, intervalMs }) => `${id} ${intervalMs}`)).toEqual([
    'postgres-db-1.example.org 30000',
    'postgres-db-2.example.org 30000',
    'cache 5000',
    'queue 5000',
  ]);
});
