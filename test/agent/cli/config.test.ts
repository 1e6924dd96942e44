import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rollcall } from './stage.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('every key with its value and where it came from', async () => {
  const path = join(folder, 'a.yaml');
  writeFileSync(path, 'node_name: web-1\nports:\n  http: 80\nencrypt: MDEyMzQ1Njc4OWFiY2RlZg==\n');
  const { code, out } = await rollcall(['config', 'explain', '-c', path, '--dev', '--join', '10.0.0.1']);
  expect(code).toBe(0);
  const lines = out
    .replaceAll(`${folder}/`, '')
    .split('\n')
    .map((line) => line.split(/\s{2,}/));
  expect(lines[0]).toEqual(['Key', 'Value', 'From']);
  expect(lines).toContainEqual(['node_name', '"web-1"', 'a.yaml:1:12']);
  expect(lines).toContainEqual(['ports.http', '80', 'a.yaml:3:9']);
  expect(lines).toContainEqual(['ports.dns', '8600', 'default']);
  expect(lines).toContainEqual(['bind_addr', '"127.0.0.1"', '--dev']);
  expect(lines).toContainEqual(['retry_join[0]', '"10.0.0.1"', '--join']);
  expect(lines).toContainEqual(['encrypt', '"(hidden)"', 'a.yaml:4:10']);
});

test('a configuration with errors is explained as far as it goes, and fails', async () => {
  const path = join(folder, 'a.yaml');
  writeFileSync(path, 'node_nam: web-1\n');
  const { code, out, error } = await rollcall(['config', 'explain', '-c', path, '--dev', '--format', 'json']);
  expect(code).toBe(1);
  expect(JSON.parse(out)).toContainEqual({ Key: 'datacenter', Value: 'dc1', From: 'default' });
  expect(error).toContain('did you mean "node_name"?');
});
