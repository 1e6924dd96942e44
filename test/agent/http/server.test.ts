import { request as rawRequest } from 'node:http';
import net from 'node:net';
import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { bodyBytesMax, startHttp } from '../../../agent/http/server.ts';
import { type Stage, stage } from './stage.ts';

/** Bytes as they are on the wire, for what `fetch` would smooth over. */
function raw(on: Stage, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(on.http.address.port, '127.0.0.1', () => socket.write(text));
    let seen = '';
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
    });
    socket.on('close', () => resolve(seen));
    socket.on('error', reject);
  });
}

test('bytes that are no HTTP get a short answer and nothing else', async () => {
  const on = await stage();
  expect(await raw(on, '\x16\x03\x01 garbage\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
  const header = `GET /v1/status/leader HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`;
  expect(await raw(on, header)).toMatch(/^HTTP\/1\.1 431 /);
  expect((await on.request('/v1/status/leader')).status).toBe(200);
});

test('a body beyond the limit is refused with the limit in the answer', async () => {
  const on = await stage();
  const seen = await on.request('/v1/catalog/register', {
    method: 'PUT',
    body: 'x'.repeat(bodyBytesMax + 1),
  });
  expect([seen.status, seen.text]).toEqual([413, 'Request body too large, max size: 1048576 bytes']);
});

test('a body is read whatever its content type claims', async () => {
  const on = await stage();
  const types = [
    'application/json; charset=utf-8',
    'application/x-www-form-urlencoded',
    'text/plain',
    'nonsense',
    'multipart/form-data; boundary=x',
  ];
  for (const type of types) {
    const seen = await on.request('/v1/agent/service/register', {
      json: { Name: 'web' },
      headers: { 'content-type': type },
    });
    expect([type, seen.status, seen.text]).toEqual([type, 200, '']);
  }
});

test('large answers are compressed for whoever asks, small ones are not worth it', async () => {
  const on = await stage();
  for (let n = 0; n < 40; n++) on.server.join(`node-${n}`, `10.0.0.${n}`);
  const get = (path: string) =>
    new Promise<{ encoding: string | undefined; body: Buffer }>((resolve, reject) => {
      const sent = rawRequest(on.url(path), { headers: { 'accept-encoding': 'gzip, deflate' } }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve({ encoding: answer.headers['content-encoding'], body: Buffer.concat(chunks) }),
        );
      });
      sent.on('error', reject);
      sent.end();
    });
  const large = await get('/v1/catalog/nodes');
  expect(large.encoding).toBe('gzip');
  expect(JSON.parse(gunzipSync(large.body).toString())).toHaveLength(40);
  expect((await get('/v1/status/leader')).encoding).toBeUndefined();
});

test('configured headers stand on every answer, errors too', async () => {
  const on = await stage({ responseHeaders: { 'Access-Control-Allow-Origin': '*' } });
  for (const path of ['/v1/status/leader', '/v1/agent/service/nope', '/']) {
    expect((await on.request(path)).header('access-control-allow-origin')).toBe('*');
  }
});

test('doubled slashes lead to the clean path, bad escapes to a 400', async () => {
  const on = await stage();
  const seen = await on.request('/v1//catalog//nodes?stale');
  expect([seen.status, seen.header('location')]).toEqual([301, '/v1/catalog/nodes?stale']);
  expect(
    (await raw(on, 'GET /v1/agent/service/%zz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).slice(
      0,
      12,
    ),
  ).toBe('HTTP/1.1 400');
});

test('a bug in a route is reported here and tells the client nothing', async () => {
  const on = await stage({
    journalLength: () => {
      throw new TypeError('secret detail');
    },
  });
  const seen = await on.request('/v1/agent/info');
  expect([seen.status, seen.text]).toEqual([500, 'internal error']);
  expect(on.bugs).toHaveLength(1);
});

test('a port that is taken is an error with the code of the system', async () => {
  const on = await stage();
  const context = {} as Parameters<typeof startHttp>[0];
  const taken = startHttp({ ...context, facts: { datacenter: 'dc1' } as never }, on.http.address);
  await expect(taken).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('the banner, the page, and nothing behind them', async () => {
  const on = await stage();
  expect((await on.request('/')).text).toBe('Consul Agent');
  const page = await on.request('/ui');
  expect([page.status, page.type]).toEqual([200, 'text/html; charset=utf-8']);
  expect((await on.request('/ui/anything')).text).toBe(page.text);
});
