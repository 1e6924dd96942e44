/** Definitions as Consul's users have them, in all the forms that its documentation shows. */
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../agent/config/load.ts';
import { formatProblem } from '../../../agent/config/problems.ts';
import { allChecks } from '../../../agent/reload.ts';

const folder = fileURLToPath(new URL('../../fixtures/consul-files/', import.meta.url));
const flags = { dev: true, node: 'n' };

async function load(name: string) {
  const { definitions, problems } = await loadConfig({
    paths: [`${folder}${name}.json`],
    flags,
    partial: true,
  });
  // That scripts are off is said of each, and stands elsewhere.
  const told = problems.map(formatProblem).filter((text) => !text.includes('enable_local_script_checks'));
  const checks = allChecks(definitions).map(({ id, spec }) => `${id}: ${spec.kind}`);
  return { definitions, checks, told: told.map((text) => text.slice(text.indexOf(': ') + 2)) };
}

const meant: Readonly<Record<string, readonly string[]>> = {
  alias: ['till-too: alias'],
  docker: ['queue-in-box: docker'],
  flapping: ['door: tcp'],
  grpc: ['ledger: grpc', 'ledger-write: grpc'],
  h2ping: ['h2: h2ping', 'h2c: h2ping'],
  http: ['stock: http'],
  'nested-lists': ['service:cache: script'],
  'os-service': ['spooler: os_service'],
  script: ['room: script', 'older-key: script'],
  service: ['service:cache-1:1: tcp', 'service:cache-1:2: ttl'],
  services: ['service:kv-a: script', 'service:kv-b: script'],
  spelling: ['scale-up: http'],
  tcp: ['gate: tcp', 'gate-tls: tcp'],
  ttl: ['night-job: ttl'],
  udp: ['clock: udp'],
};

test('every file is looked at', () => {
  expect(readdirSync(folder).sort()).toEqual(Object.keys(meant).map((name) => `${name}.json`));
});

test.each(Object.entries(meant))('%s loads as it is', async (name, kinds) => {
  const { checks, told } = await load(name);
  expect(checks).toEqual(kinds);
  if (name !== 'service') expect(told).toEqual([]);
});

test('what belongs to a mesh or to the larger edition is taken, and said to have no effect', async () => {
  const { definitions, told } = await load('service');
  const keys = told.map((text) => text.replace(/^warning: service\.(.*): has no meaning here$/, '$1'));
  const mesh = ['connect', 'locality', 'namespace', 'partition', 'proxy', 'proxy_destination', 'socket_path'];
  expect(keys.sort()).toEqual([...mesh, 'weights.critical']);
  expect(definitions.services[0]).toMatchObject({
    weights: { passing: 5, warning: 2 },
    taggedAddresses: { lan_ipv6: { address: '2001:db8::7', port: 6380 } },
    checks: [{ deregisterServiceAfterMs: 5_400_000 }, { spec: { ttlMs: 30_000 } }],
  });
});

test('blocks that went through HCL are lists of one', async () => {
  const { definitions } = await load('nested-lists');
  expect(definitions.services[0]).toMatchObject({
    meta: { shelf: 'left' },
    taggedAddresses: { wan: { address: '192.0.2.7', port: 16380 } },
    checks: [{ initialStatus: 'passing', spec: { args: ['/opt/cache-check', '--deep'] } }],
  });
});
