import { afterAll, expect, test } from 'vitest';
import { hostDialer } from '../../../agent/host/dialer.ts';
import { hostLookup } from '../../../agent/host/lookup.ts';
import { closedPort, closeServers, httpsServer, tcpServer, trusting, udpServer } from './servers.ts';

const dialer = hostDialer(hostLookup());
afterAll(closeServers);

const at = (port: number, host = '127.0.0.1') => ({ target: { host, port }, timeoutMs: 3_000, tls: null });

test('a port that listens is dialled, by address and by name', async () => {
  const port = await tcpServer();
  expect(await dialer.tcp(at(port))).toEqual({ certificate: null });
  expect(await dialer.tcp(at(port, 'localhost'))).toEqual({ certificate: null });
});

test('one that does not is refused', async () => {
  const port = await closedPort();
  await expect(dialer.tcp(at(port))).rejects.toMatchObject({
    message: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
  });
});

test('with TLS the certificate is verified and comes back', async () => {
  const port = await httpsServer('good', () => {});
  const answer = await dialer.tcp({ ...at(port, 'localhost'), tls: trusting });
  expect(answer.certificate).toMatchObject({ subject: 'localhost' });
  const expired = await httpsServer('expired', () => {});
  await expect(dialer.tcp({ ...at(expired, 'localhost'), tls: trusting })).rejects.toMatchObject({
    code: 'CERT_HAS_EXPIRED',
  });
  await expect(
    dialer.tcp({ ...at(port, 'localhost'), tls: { ...trusting, caFile: '/no/such/file' } }),
  ).rejects.toMatchObject({ name: 'NetworkError', code: 'ENOENT' });
});

test('who takes the connection and never shakes hands ends at the deadline', async () => {
  const port = await tcpServer();
  await expect(dialer.tcp({ ...at(port), tls: trusting, timeoutMs: 80 })).rejects.toMatchObject({
    code: 'ETIMEDOUT',
  });
});

test('who hangs up in the handshake is EOF', async () => {
  const port = await tcpServer((socket) => socket.once('data', () => socket.end()));
  await expect(dialer.tcp({ ...at(port), tls: trusting })).rejects.toMatchObject({ name: 'NetworkError' });
});

test('an abort ends dialling at once', async () => {
  const port = await tcpServer();
  await expect(dialer.tcp({ ...at(port), tls: trusting, signal: AbortSignal.abort() })).rejects.toMatchObject(
    { code: 'ABORTED' },
  );
});

test('an answer and silence are told apart over UDP, a closed port is refused', async () => {
  const echo = await udpServer((question) => question);
  const silent = await udpServer(null);
  expect(await dialer.udp(at(echo))).toBe(true);
  expect(await dialer.udp({ ...at(silent), timeoutMs: 60 })).toBe(false);
  expect(await dialer.udp(at(echo, 'localhost'))).toBe(true);
  await expect(dialer.udp(at(await closedPort()))).rejects.toMatchObject({
    code: 'ECONNREFUSED',
    message: expect.stringMatching(/^dial udp 127\.0\.0\.1:\d+: connect: connection refused$/),
  });
});
