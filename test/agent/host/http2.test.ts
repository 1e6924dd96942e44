import { afterAll, expect, test } from 'vitest';
import { hostHttp2 } from '../../../agent/host/http2.ts';
import { hostLookup } from '../../../agent/host/lookup.ts';
import { closedPort, closeServers, http2Server, http2TlsServer, tcpServer, trusting } from './servers.ts';

const http2 = hostHttp2(hostLookup());
afterAll(closeServers);

const at = (port: number, host = '127.0.0.1') => ({ target: { host, port }, timeoutMs: 3_000, tls: null });
const call = (port: number) => ({
  ...at(port),
  path: '/a.B/C',
  headers: { te: 'trailers' },
  body: Buffer.from('hi'),
  answerBytesMax: 100,
});

test('a PING is answered, with and without TLS', async () => {
  expect(await http2.ping(at(await http2Server(() => {})))).toBeGreaterThan(0);
  const secure = await http2TlsServer('good');
  expect(await http2.ping({ ...at(secure, 'localhost'), tls: trusting })).toBeGreaterThan(0);
});

test('a POST comes back with headers, body and trailers', async () => {
  const port = await http2Server((stream, headers) => {
    stream.respond({ ':status': 200, 'x-path': headers[':path'] }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.pipe(stream);
  });
  const answer = await http2.post(call(port));
  expect(answer).toMatchObject({
    status: 200,
    headers: { 'x-path': '/a.B/C' },
    trailers: { 'grpc-status': '0' },
  });
  expect(Buffer.from(answer.body).toString()).toBe('hi');
});

test.each([
  ['who does not listen', () => closedPort(), /connection refused/],
  ['who hangs up', () => tcpServer((socket) => socket.destroy()), /connection closed|EOF|reset/],
  ['who speaks HTTP/1', () => tcpServer((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')), /./],
  ['who says nothing', () => tcpServer(), /deadline exceeded/],
  ['who resets the stream', () => http2Server((stream) => stream.close(2)), /./],
])('%s is an expected failure', async (_name, server, message) => {
  const port = await server();
  await expect(http2.post({ ...call(port), timeoutMs: 1_000 })).rejects.toMatchObject({
    name: 'NetworkError',
    message: expect.stringMatching(message),
  });
});

test('an answer that is too long is cut off', async () => {
  const port = await http2Server((stream) => {
    stream.respond();
    stream.end(Buffer.alloc(1_000_000));
  });
  await expect(http2.post(call(port))).rejects.toMatchObject({ code: 'TOO_LARGE' });
});

test('who listens without speaking HTTP/2 does not pass as a PING', async () => {
  const port = await tcpServer();
  await expect(http2.ping({ ...at(port), timeoutMs: 100 })).rejects.toMatchObject({ code: 'ETIMEDOUT' });
});
