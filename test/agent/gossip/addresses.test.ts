import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressOf, hostOf, plainHost, sameBytes } from '../../../agent/gossip/addresses.ts';

test.each([
  ['127.0.0.1', [127, 0, 0, 1]],
  ['::', new Array(16).fill(0)],
  ['::1', [...new Array(15).fill(0), 1]],
  ['fe80:0:0:0:1::1', [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]],
  ['2001:db8::1:0:0:1', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1]],
  ['2001:db8:0:1:1:1:1:1', [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1]],
])('%s stands for its bytes', (host, bytes) => {
  expect([...addressOf(host)]).toEqual(bytes);
});

test.each([
  '127.0.0.1',
  '::',
  '::1',
  '2001:db8::1',
  '2001:db8:0:1:1:1:1:1',
  'fe80::1:0:0:1',
  '1::',
  '1:0:0:2::3',
])('%s is written as RFC 5952 wants it', (host) => {
  expect(hostOf(addressOf(host))).toBe(host);
});

test('the mapped form of an IPv4 address is that address', () => {
  const mapped = Uint8Array.from([...new Array(10).fill(0), 0xff, 0xff, 10, 1, 2, 3]);
  expect(hostOf(mapped)).toBe('10.1.2.3');
  expect(plainHost('::ffff:10.1.2.3')).toBe('10.1.2.3');
  expect(plainHost('::ffff:1')).toBe('::ffff:1');
  expect([...addressOf('::ffff:10.1.2.3')]).toEqual([10, 1, 2, 3]);
});

test('a zone is of this host only and does not travel', () => {
  expect([...addressOf('fe80::2%eth0')].slice(-1)).toEqual([2]);
});

test('bytes that are no address have no host, and text that is none is a bug', () => {
  for (const length of [0, 3, 5, 15, 17]) expect(hostOf(new Uint8Array(length))).toBeUndefined();
  expect(() => addressOf('example.com')).toThrow('no IP address');
});

test('every address survives the way there and back', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
      const host = hostOf(bytes)!;
      expect(hostOf(addressOf(host))).toBe(host);
    }),
  );
});

test('bytes are compared by value', () => {
  expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2))).toBe(true);
  expect(sameBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3))).toBe(false);
  expect(sameBytes(Uint8Array.of(1), Uint8Array.of(1, 0))).toBe(false);
});
