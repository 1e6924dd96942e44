import dns from 'node:dns';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { candidates, hostLookup, parseHosts, parseResolvConf } from '../../../agent/host/lookup.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'rollcall-lookup-'));
afterAll(() => rmSync(folder, { recursive: true }));
const files = { hosts: path.join(folder, 'hosts'), resolvConf: path.join(folder, 'resolv.conf') };

function lookup(name: string, options: { all?: boolean; family?: number } = { all: true }): Promise<unknown> {
  return new Promise((resolve, reject) => {
    hostLookup(files)(name, options, (error, address) => (error ? reject(error) : resolve(address)));
  });
}

test('the hosts file is read with its aliases, comments and both families', () => {
  const hosts = parseHosts(
    '127.0.0.1 localhost # me\n\n192.0.2.1  Web web.test\n2001:db8::1 web\n# 1.1.1.1 no\n',
  );
  expect(hosts.get('web')).toEqual([
    { address: '192.0.2.1', family: 4 },
    { address: '2001:db8::1', family: 6 },
  ]);
  expect(hosts.get('web.test')).toHaveLength(1);
  expect(hosts.has('no')).toBe(false);
});

test('resolv.conf gives the search list and when it comes first', () => {
  const conf = parseResolvConf('nameserver 127.0.0.53\nsearch a.test b.test.\noptions edns0 ndots:2\n');
  expect(conf).toEqual({ search: ['a.test', 'b.test'], ndots: 2 });
  expect(candidates('web', conf.search, 1)).toEqual(['web.a.test', 'web.b.test', 'web']);
  expect(candidates('web.prod', conf.search, 1)).toEqual(['web.prod', 'web.prod.a.test', 'web.prod.b.test']);
  expect(candidates('web.', conf.search, 1)).toEqual(['web']);
});

test('a name of the hosts file is found without the DNS, in the form that is asked for', async () => {
  writeFileSync(files.hosts, '192.0.2.1 web\n2001:db8::1 web\n');
  expect(await lookup('web')).toHaveLength(2);
  expect(await lookup('WEB', {})).toBe('192.0.2.1');
  expect(await lookup('web', { family: 6 })).toBe('2001:db8::1');
  await expect(lookup('web', { family: 6, all: true })).resolves.toEqual([
    { address: '2001:db8::1', family: 6 },
  ]);
});

test('a change of the hosts file counts with the next question', async () => {
  const ask = hostLookup(files);
  const one = (name: string) =>
    new Promise((resolve) => ask(name, {}, (error, address) => resolve(error ? error.code : address)));
  writeFileSync(files.hosts, '192.0.2.1 web\n');
  expect(await one('web')).toBe('192.0.2.1');
  writeFileSync(files.hosts, '192.0.2.22 web\n');
  expect(await one('web')).toBe('192.0.2.22');
});

test('localhost needs nobody', async () => {
  writeFileSync(files.hosts, '');
  expect(await lookup('localhost', { family: 4 })).toBe('127.0.0.1');
});

test('a name server that does not answer is an error, and the threads of the system are not asked', async () => {
  writeFileSync(files.hosts, '');
  writeFileSync(files.resolvConf, 'ndots:0\n');
  const timeout = Object.assign(new Error('timed out'), { code: 'ETIMEOUT' });
  const silent = vi.spyOn(dns.promises.Resolver.prototype, 'resolve4').mockRejectedValue(timeout);
  const silentToo = vi.spyOn(dns.promises.Resolver.prototype, 'resolve6').mockRejectedValue(timeout);
  const system = vi.spyOn(dns.promises, 'lookup');
  await expect(lookup('web.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });
  expect(system).not.toHaveBeenCalled();
  silent.mockRestore();
  silentToo.mockRestore();
  system.mockRestore();
});
