import { expect, test } from 'vitest';
import { reachableFrom, udpSocketFor } from '../../agent/udp.ts';

test.each([
  ['10.0.0.1', '10.0.0.2', '10.0.0.2'],
  ['10.0.0.1', 'fd00::2', undefined],
  ['fd00::1', 'fd00::2', 'fd00::2'],
  ['fd00::1', '10.0.0.2', undefined],
  ['::', 'fd00::2', 'fd00::2'],
  ['::', '10.0.0.2', '::ffff:10.0.0.2'],
])('from %s, %s is reached as %s', (localHost, host, expected) => {
  expect(reachableFrom(localHost, host)).toBe(expected);
});

test.each([
  ['127.0.0.1', 'IPv4'],
  ['::1', 'IPv6'],
])('a socket for %s speaks %s', async (host, family) => {
  const socket = udpSocketFor(host);
  await new Promise<void>((resolve) => socket.bind(0, host, resolve));
  expect(socket.address().family).toBe(family);
  socket.close();
});
