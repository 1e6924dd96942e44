import { readdirSync } from 'node:fs';
import type { LookupFunction } from 'node:net';
import { afterAll, expect, test } from 'vitest';
import { hostHttp } from '../../../agent/host/http.ts';
import { hostLookup } from '../../../agent/host/lookup.ts';
import type { HttpRequest } from '../../../proto/host-ports.ts';
import { closedPort, closeServers, httpServer, httpsServer, tcpServer, trusting } from './servers.ts';

const http = hostHttp(hostLookup());
afterAll(closeServers);

function get(url: string, more: Partial<HttpRequest> = {}) {
  return http.request({
    method: 'GET',
    url,
    headers: [],
    body: '',
    timeoutMs: 3_000,
    bodyBytesMax: 1_000,
    redirectsMax: 10,
    ...more,
  });
}

const at = (port: number, path = '/') => `http://127.0.0.1:${port}${path}`;

test('status, reason, headers and body come back, and the connection is closed', async () => {
  let connection = '';
  const port = await httpServer((request, response) => {
    connection = request.headers.connection ?? '';
    response.writeHead(207, 'Mostly Fine', { 'X-A': ['1', '2'], 'Content-Type': 'text/plain' });
    response.end('hello');
  });
  const answer = await get(at(port, '/path?q=1'));
  expect(answer).toMatchObject({ status: 207, statusText: 'Mostly Fine', certificate: null });
  expect(answer.headers).toMatchObject({ 'x-a': '1, 2', 'content-type': 'text/plain' });
  expect(Buffer.from(answer.body).toString()).toBe('hello');
  expect(connection).toBe('close');
});

test('method, headers, body, host and credentials arrive', async () => {
  const port = await httpServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', () => {
      const { host, authorization } = request.headers;
      const seen = [
        request.method,
        request.url,
        request.headers['x-a'],
        host,
        authorization,
        Buffer.concat(chunks),
      ];
      response.end(seen.join(' | '));
    });
  });
  const answer = await get(`http://user:p%40ss@127.0.0.1:${port}/x`, {
    method: 'POST',
    headers: [
      ['X-A', '1'],
      ['X-A', '2'],
      ['Host', 'example.test'],
    ],
    body: '{"a":1}',
  });
  expect(Buffer.from(answer.body).toString()).toBe(
    `POST | /x | 1, 2 | example.test | Basic ${Buffer.from('user:p@ss').toString('base64')} | {"a":1}`,
  );
});

test('redirects are followed, as a GET after a 302 and as it was after a 307', async () => {
  const port = await httpServer((request, response) => {
    if (request.url === '/302') response.writeHead(302, { Location: '/end' }).end();
    else if (request.url === '/307') response.writeHead(307, { Location: '/end' }).end();
    else response.end(request.method);
  });
  const text = async (path: string) =>
    Buffer.from((await get(at(port, path), { method: 'POST', body: 'x' })).body).toString();
  expect(await text('/302')).toBe('GET');
  expect(await text('/307')).toBe('POST');
  expect((await get(at(port, '/302'), { redirectsMax: 0 })).status).toBe(302);
});

test('secrets do not follow a redirect to another host', async () => {
  const seen: Array<string | undefined> = [];
  const other = await httpServer((request, response) => {
    seen.push(request.headers.authorization, request.headers['x-a'] as string);
    response.end();
  });
  const port = await httpServer((_request, response) => {
    response.writeHead(302, { Location: at(other) }).end();
  });
  await get(at(port), {
    headers: [
      ['Authorization', 'Bearer x'],
      ['X-A', '1'],
    ],
  });
  expect(seen).toEqual([undefined, '1']);
});

test.each([
  ['a ring of redirects', '/ring', /stopped after 10 redirects/],
  ['a redirect to nowhere', '/nowhere', /301 response missing Location header/],
  ['a redirect out of HTTP', '/file', /unsupported protocol scheme "file"/],
  ['a redirect to what is no URL', '/bad', /failed to parse Location header/],
])('%s ends with a reason', async (_name, path, message) => {
  const port = await httpServer((request, response) => {
    const location = { '/ring': '/ring', '/file': 'file:///etc/passwd', '/bad': 'http://[' }[request.url!];
    response.writeHead(301, location === undefined ? {} : { Location: location }).end();
  });
  await expect(get(at(port, path))).rejects.toThrow(message);
});

test('a refused connection is told in the words of Go', async () => {
  const port = await closedPort();
  await expect(get(at(port))).rejects.toMatchObject({
    code: 'ECONNREFUSED',
    message: `dial tcp 127.0.0.1:${port}: connect: connection refused`,
  });
});

test('a server that never answers, and one that drips, end at the deadline', async () => {
  const silent = await tcpServer();
  await expect(get(at(silent), { timeoutMs: 100 })).rejects.toMatchObject({
    code: 'ETIMEDOUT',
    message: 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
  });
  const dripping = await httpServer((_request, response) => {
    const timer = setInterval(() => response.write('x'), 10);
    response.once('close', () => clearInterval(timer));
  });
  await expect(get(at(dripping), { timeoutMs: 100 })).rejects.toMatchObject({
    message: expect.stringContaining('while reading body'),
  });
});

test('headers that never end do not fill the memory', async () => {
  const port = await tcpServer((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    const timer = setInterval(() => socket.write(`X-${'a'.repeat(5_000)}: 1\r\n`), 1);
    socket.once('close', () => clearInterval(timer));
  });
  await expect(get(at(port))).rejects.toThrow(/overflow/i);
});

test('of an endless body no more is read than is wanted', async () => {
  let sent = 0;
  const port = await httpServer((_request, response) => {
    const chunk = Buffer.alloc(65_536, 'x');
    const pump = () => {
      while (response.write(chunk)) sent += chunk.length;
    };
    response.on('drain', pump);
    pump();
  });
  const answer = await get(at(port), { bodyBytesMax: 4_096 });
  expect(answer.body).toHaveLength(4_096);
  expect(sent).toBeLessThan(50_000_000);
});

test('a server that hangs up early is EOF', async () => {
  const port = await tcpServer((socket) => socket.once('data', () => socket.destroy()));
  await expect(get(at(port))).rejects.toMatchObject({ message: expect.stringMatching(/EOF|reset/) });
  const half = await tcpServer((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf')),
  );
  await expect(get(at(half))).rejects.toMatchObject({ message: expect.stringMatching(/EOF/) });
});

test('what is no HTTP is an error with a reason', async () => {
  const port = await tcpServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n'));
  await expect(get(at(port))).rejects.toMatchObject({ name: 'NetworkError' });
});

test('certificates are verified for the name of the URL, and their age comes back', async () => {
  const good = await httpsServer('good', (_request, response) => response.end('ok'));
  const answer = await get(`https://localhost:${good}/`, { tls: trusting });
  expect(answer.certificate).toMatchObject({ subject: 'localhost' });
  expect(answer.certificate!.validToMs).toBeGreaterThan(Date.parse('2100-01-01'));
  expect((await get(`https://127.0.0.1:${good}/`, { tls: trusting })).status).toBe(200);
  expect(
    (await get(`https://127.0.0.1:${good}/`, { tls: { ...trusting, serverName: 'good.test' } })).status,
  ).toBe(200);
  // A Host header is for the server and changes nothing of whom we trust.
  expect(
    (await get(`https://localhost:${good}/`, { tls: trusting, headers: [['Host', 'x.test']] })).status,
  ).toBe(200);
});

test.each([
  ['of somebody else', 'other', {}, /failed to verify certificate.*altnames/],
  ['that is over', 'expired', {}, /certificate has expired/],
  ['of an unknown authority', 'good', { caFile: '' }, /failed to verify certificate/],
  ['for another name', 'good', { serverName: 'x.test' }, /altnames/],
] as const)('a certificate %s is refused, unless nobody looks', async (_name, which, more, message) => {
  const port = await httpsServer(which, (_request, response) => response.end('ok'));
  const url = `https://localhost:${port}/`;
  await expect(get(url, { tls: { ...trusting, ...more } })).rejects.toThrow(message);
  expect((await get(url, { tls: { ...trusting, ...more, skipVerify: true } })).status).toBe(200);
});

test('an abort ends the request at once', async () => {
  const silent = await tcpServer();
  const abort = new AbortController();
  const request = get(at(silent), { signal: abort.signal });
  setTimeout(() => abort.abort(), 20);
  await expect(request).rejects.toMatchObject({ code: 'ABORTED' });
});

test('a DNS that hangs ends at the deadline', async () => {
  const hanging: LookupFunction = () => {};
  const request = hostHttp(hanging).request({
    method: 'GET',
    url: 'http://web.test/',
    headers: [],
    body: '',
    timeoutMs: 80,
    bodyBytesMax: 100,
    redirectsMax: 0,
  });
  await expect(request).rejects.toMatchObject({ code: 'ETIMEDOUT' });
});

test('no descriptor is left behind, however a request ended', async () => {
  const port = await httpServer((_request, response) => response.end('ok'));
  const silent = await tcpServer();
  const refused = await closedPort();
  const round = () =>
    Promise.allSettled([
      get(at(port)),
      get(at(silent), { timeoutMs: 20 }),
      get(at(silent).replace('http:', 'https:'), { timeoutMs: 20, tls: trusting }),
      get(at(refused)),
      get(at(port), { bodyBytesMax: 1 }),
    ]);
  await round();
  await new Promise((resolve) => setTimeout(resolve, 50));
  const before = readdirSync('/proc/self/fd').length;
  for (let i = 0; i < 10; i++) await round();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(readdirSync('/proc/self/fd').length).toBeLessThanOrEqual(before + 2);
});
