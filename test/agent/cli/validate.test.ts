import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rollcall } from './stage.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'validate-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

test('all errors and warnings, a count, and exit code 1', async () => {
  const path = file('a.yaml', 'prots: {http: 1}\ntelemetry: {}\nserver: maybe\n');
  const { code, out } = await rollcall(['validate', path]);
  expect(code).toBe(1);
  expect(out.replaceAll(`${folder}/`, '').split('\n')).toEqual([
    'a.yaml:1:1: error: prots: is not a known key (did you mean "ports"?)',
    'a.yaml:2:1: warning: telemetry: a key of Consul that has no effect here',
    'a.yaml:3:9: error: server: must be true or false, not a string',
    '1 file read: 2 errors, 1 warning',
    '',
  ]);
});

test('a file that is right, and a part of a configuration', async () => {
  file('a.yaml', 'check: {name: web, http: "http://localhost/", interval: 10s}\n');
  file('b.json', '{"server": true}');
  expect(await rollcall(['validate', folder])).toEqual({
    code: 0,
    out: '2 files read: no errors, no warnings\n',
    error: '',
  });
});

test('a warning alone is no failure', async () => {
  const { code, out } = await rollcall(['validate', file('a.yaml', 'telemetry: {}\n'), '--format', 'json']);
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    Valid: true,
    Problems: [{ Level: 'warning', Line: 1, Column: 1, Key: 'telemetry', Suggestion: '' }],
  });
});

test('a file that is not there', async () => {
  const { code, out } = await rollcall(['validate', join(folder, 'none.yaml')]);
  expect(code).toBe(1);
  expect(out).toContain('none.yaml: error: cannot be read: there is no such file or folder');
});
