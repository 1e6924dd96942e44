import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { rollcall } from './stage.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-tls-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string) => join(folder, name);
const ca = () => rollcall(['tls', 'ca', 'create', '--dir', folder]);
const cert = (...words: string[]) => {
  const authority = ['--ca', file('rollcall-agent-ca.pem'), '--key', file('rollcall-agent-ca-key.pem')];
  return rollcall(['tls', 'cert', 'create', '--dir', folder, ...authority, ...words]);
};

test('an authority and certificates of it: keys are for their owner only, nothing is overwritten', async () => {
  expect((await ca()).code).toBe(0);
  const before = readFileSync(file('rollcall-agent-ca.pem'), 'utf8');
  const again = await ca();
  expect([again.code, again.error]).toEqual([1, expect.stringContaining('EEXIST')]);
  expect(readFileSync(file('rollcall-agent-ca.pem'), 'utf8')).toBe(before);
  expect((await cert('--server', '--additional-dnsname', 'db.example', '--dc', 'dc2')).code).toBe(0);
  expect((await cert('--client')).code).toBe(0);
  expect((await cert('--client')).code).toBe(0);
  expect(readdirSync(folder).sort()).toEqual([
    'dc1-client-rollcall-0-key.pem',
    'dc1-client-rollcall-0.pem',
    'dc1-client-rollcall-1-key.pem',
    'dc1-client-rollcall-1.pem',
    'dc2-server-rollcall-0-key.pem',
    'dc2-server-rollcall-0.pem',
    'rollcall-agent-ca-key.pem',
    'rollcall-agent-ca.pem',
  ]);
  expect(statSync(file('rollcall-agent-ca-key.pem')).mode & 0o777).toBe(0o600);
  const server = new X509Certificate(readFileSync(file('dc2-server-rollcall-0.pem')));
  expect(server.checkHost('server.dc2.rollcall')).toBeDefined();
  expect(server.checkHost('db.example')).toBeDefined();
});

test.each([
  [[], 2, 'give either --server or --client'],
  [['--server', '--client'], 2, 'give either --server or --client'],
  [['--client', '--days', '0'], 2, 'between 1 and 36500'],
  [['--client', '--additional-ipaddress', 'here'], 2, 'It must be an IP address.'],
])('%j is refused', async (words, code, message) => {
  await ca();
  const result = await cert(...words);
  expect([result.code, result.error]).toEqual([code, expect.stringContaining(message)]);
});

test('without an authority there is advice; a key of another one is named', async () => {
  const missing = await cert('--client');
  expect(missing.error).toContain('`rollcall tls ca create` makes an authority');
  await ca();
  await cert('--client');
  writeFileSync(file('rollcall-agent-ca-key.pem'), readFileSync(file('dc1-client-rollcall-0-key.pem')));
  const foreign = await cert('--client');
  expect([foreign.code, foreign.error]).toEqual([1, expect.stringContaining('is not the key of')]);
});
