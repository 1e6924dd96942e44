import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  formatAddress,
  isHost,
  isLoopback,
  isPrivateIPv4,
  isUnspecified,
  parseAddress,
  urlHost,
} from '../../proto/address.ts';

test.each([
  ['10.0.0.1', '10.0.0.1', 8301],
  ['10.0.0.1:9000', '10.0.0.1', 9000],
  ['web-3.example.org:9000', 'web-3.example.org', 9000],
  ['localhost', 'localhost', 8301],
  ['::1', '::1', 8301],
  ['[::1]', '::1', 8301],
  ['[::1]:9000', '::1', 9000],
  ['fe80::1%eth0', 'fe80::1%eth0', 8301],
  ['[fe80::1%eth0]:9000', 'fe80::1%eth0', 9000],
  // Eight groups: the last one looks like a port and is none.
  ['2001:db8:0:0:0:0:0:8301', '2001:db8:0:0:0:0:0:8301', 8301],
  [' 10.0.0.1:9000 ', '10.0.0.1', 9000],
])('%s is host %s, port %i', (text, host, port) => {
  expect(parseAddress(text, 8301)).toEqual({ host, port });
});

test.each([
  ['', 'the host is missing'],
  [':8301', 'the host is missing'],
  ['10.0.0.1:', 'the port must be a number from 1 to 65535, not ""'],
  ['10.0.0.1:0', 'the port must be'],
  ['10.0.0.1:65536', 'the port must be'],
  ['10.0.0.1:80a', 'the port must be'],
  ['300.1.1.1', 'neither an IP address nor a host name'],
  ['a b', 'neither an IP address nor a host name'],
  ['http://10.0.0.1', 'the port must be'],
  ['[::1', 'the closing bracket is missing'],
  ['[10.0.0.1]:80', 'is no IPv6 address'],
  ['[::1]8301', 'after the bracket is no port'],
  ['1:2:3', 'an IPv6 address with a port is written [ADDRESS]:PORT'],
])('%j is refused: %s', (text, reason) => {
  expect(() => parseAddress(text, 8301)).toThrow(reason);
});

test('what is printed reads back as the same endpoint', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
      fc.integer({ min: 1, max: 65_535 }),
      (host, port) => {
        expect(parseAddress(formatAddress({ host, port }), 1)).toEqual({ host, port });
      },
    ),
  );
});

test('a zone is escaped in a URL', () => {
  expect(urlHost('fe80::1%eth0')).toBe('[fe80::1%25eth0]');
  expect(new URL(`http://${urlHost('::1')}:8500/`).port).toBe('8500');
});

test('kinds of addresses', () => {
  expect(['0.0.0.0', '::', '0::0'].map(isUnspecified)).toEqual([true, true, true]);
  expect(['::1', '10.0.0.0'].map(isUnspecified)).toEqual([false, false]);
  expect(['127.0.0.1', '127.9.9.9', '::1', '0:0:0:0:0:0:0:1', 'localhost'].map(isLoopback)).toEqual(
    Array(5).fill(true),
  );
  expect(['::', '::2', '10.0.0.1', 'host'].map(isLoopback)).toEqual(Array(4).fill(false));
  expect(['10.1.2.3', '172.16.0.1', '172.31.0.1', '192.168.9.9', '100.64.0.1'].map(isPrivateIPv4)).toEqual(
    Array(5).fill(true),
  );
  expect(['172.32.0.1', '8.8.8.8', '169.254.1.1', '127.0.0.1', '::1'].map(isPrivateIPv4)).toEqual(
    Array(5).fill(false),
  );
});

test('names', () => {
  expect(['a', 'a.b.', 'my_db', 'x-1.y'].map(isHost)).toEqual(Array(4).fill(true));
  expect(['-a', 'a..b', '', '.', 'a/b', '1.2.3', 'a'.repeat(64)].map(isHost)).toEqual(Array(7).fill(false));
});
