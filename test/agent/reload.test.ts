import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AgentConfig } from '../../agent/config/agent-config.ts';
import { loadConfig } from '../../agent/config/load.ts';
import { allChecks, applyLive, compareItems, compareSettings } from '../../agent/reload.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reload-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function config(text: string): Promise<AgentConfig> {
  const path = join(folder, 'a.yaml');
  writeFileSync(path, text);
  const { config, problems } = await loadConfig({ paths: [path], flags: { dev: true, node: 'n' } });
  expect(problems).toEqual([]);
  return config!;
}

const before = `
log_level: info
check: {id: a, name: a, tcp: "localhost:1", interval: 10s}
service:
  name: web
  port: 80
  checks:
    - {id: web-1, tcp: "localhost:2", interval: 10s}
    - {id: web-2, tcp: "localhost:3", interval: 10s}
`;

async function items(from: string, to: string) {
  const registered = (of: AgentConfig) => ({ services: of.services, checks: allChecks(of) });
  return compareItems(registered(await config(from)), registered(await config(to)));
}

test('the same file read again changes nothing', async () => {
  expect(await items(before, before)).toEqual([]);
  expect(compareSettings(await config(before), await config(before))).toEqual({ live: [], restart: [] });
});

test('each check and service is an item of its own', async () => {
  const after = before
    .replace('id: a, name: a', 'id: b, name: b')
    .replace('localhost:3', 'localhost:4')
    .replace('port: 80', 'port: 81');
  expect(await items(before, after)).toEqual([
    { item: 'service', id: 'web', change: 'changed' },
    { item: 'check', id: 'a', change: 'removed' },
    { item: 'check', id: 'b', change: 'added' },
    { item: 'check', id: 'web-2', change: 'changed' },
  ]);
});

test('a new check of a service leaves the service and its other checks alone', async () => {
  const after = `${before}    - {id: web-3, tcp: "localhost:5", interval: 10s}\n`;
  expect(await items(before, after)).toEqual([{ item: 'check', id: 'web-3', change: 'added' }]);
});

test('keys take effect at once or are named for a restart, and the old value stays until then', async () => {
  const old = await config(before);
  const young = await config(
    `${before.replace('info', 'debug')}ports: {http: 9999}\nnode_meta: {rack: r2}\n`,
  );
  expect(compareSettings(old, young)).toEqual({ live: ['log_level'], restart: ['node_meta', 'ports'] });
  expect(applyLive(old, young)).toMatchObject({ logLevel: 'debug', ports: { http: 8500 }, nodeMeta: {} });
});
