import { expect, test } from 'vitest';
import { dialTimeout, networkError } from '../../../agent/host/network-error.ts';
import { NetworkError } from '../../../proto/host-ports.ts';

const target = { host: '127.0.0.20', port: 9 };
const nodeError = (code: string, message = code) => Object.assign(new Error(message), { code });

test.each([
  ['ECONNREFUSED', 'dial tcp 127.0.0.20:9: connect: connection refused'],
  ['EHOSTUNREACH', 'dial tcp 127.0.0.20:9: connect: no route to host'],
  ['ENOTFOUND', 'dial tcp: lookup 127.0.0.20: no such host'],
  ['ECONNRESET', 'read tcp 127.0.0.20:9: connection reset by peer'],
  ['CERT_HAS_EXPIRED', 'tls: failed to verify certificate: CERT_HAS_EXPIRED'],
  ['ESOMETHING', 'ESOMETHING'],
])('%s reads as Consul writes it', (code, message) => {
  expect(networkError(nodeError(code), 'tcp', target)).toMatchObject({ code, message });
});

test('of several addresses the first failure is told, and a known error stays as it is', () => {
  const both = new AggregateError([nodeError('ECONNREFUSED'), nodeError('ENETUNREACH')]);
  expect(networkError(both, 'tcp', target).code).toBe('ECONNREFUSED');
  const known = new NetworkError('EOF', 'EOF');
  expect(networkError(known, 'tcp', target)).toBe(known);
  expect(networkError('odd', 'tcp', target).message).toBe('odd');
});

test('an address of IPv6 is in brackets, a socket has its path', () => {
  expect(dialTimeout('tcp', { host: '::1', port: 9 }).message).toBe('dial tcp [::1]:9: i/o timeout');
  expect(networkError(nodeError('ENOENT'), 'unix', '/run/x.sock').message).toBe(
    'dial unix /run/x.sock: connect: no such file or directory',
  );
});
