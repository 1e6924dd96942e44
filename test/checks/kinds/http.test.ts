import { afterAll, expect, test } from 'vitest';
import { hostClock } from '../../../agent/host/clock.ts';
import { hostHttp } from '../../../agent/host/http.ts';
import { hostLookup } from '../../../agent/host/lookup.ts';
import { httpKind } from '../../../checks/kinds/http.ts';
import type { SpecOf } from '../../../proto/schema/definitions.ts';
import { closedPort, closeServers, httpServer, tcpServer } from '../../agent/host/servers.ts';
import { define } from '../fakes.ts';
import { context } from '../real-host.ts';

const kind = httpKind(hostHttp(hostLookup()), hostClock());
afterAll(closeServers);

/** The target of the recorded checks: `/status/N` answers N, `/big` ten thousand bytes. */
const target = httpServer((request, response) => {
  const status = Number(/^\/status\/(\d+)$/.exec(request.url!)?.[1] ?? 200);
  if (request.url === '/big') response.end('x'.repeat(10_000));
  else if (request.url === '/redir') response.writeHead(302, { Location: '/status/200' }).end();
  else if (request.url === '/seen') response.end(JSON.stringify(request.headers));
  else response.writeHead(status).end(status === 204 ? undefined : `body of ${status}\n`);
});

async function run(path: string, keys: object = {}, more: object = {}) {
  const url = path.startsWith('/') ? `http://127.0.0.1:${await target}${path}` : path;
  const spec = define({ http: url, interval: '10s', ...keys }).spec as SpecOf<'http'>;
  const outcome = await kind.run(spec, context(more));
  return { ...outcome, output: outcome.output.replaceAll(`127.0.0.1:${await target}`, 'TARGET') };
}

test.each([
  ['/status/200', 'passing', 'HTTP GET http://TARGET/status/200: 200 OK Output: body of 200\n'],
  ['/status/204', 'passing', 'HTTP GET http://TARGET/status/204: 204 No Content Output: '],
  ['/status/301', 'critical', 'Get "http://TARGET/status/301": 301 response missing Location header'],
  ['/status/404', 'critical', 'HTTP GET http://TARGET/status/404: 404 Not Found Output: body of 404\n'],
  [
    '/status/429',
    'warning',
    'HTTP GET http://TARGET/status/429: 429 Too Many Requests Output: body of 429\n',
  ],
  [
    '/status/500',
    'critical',
    'HTTP GET http://TARGET/status/500: 500 Internal Server Error Output: body of 500\n',
  ],
  ['/redir', 'passing', 'HTTP GET http://TARGET/redir: 200 OK Output: body of 200\n'],
])('as recorded from Consul: %s is %s', async (path, status, output) => {
  expect(await run(path)).toMatchObject({ status, output });
});

test('of a long body the first 4096 bytes are shown', async () => {
  const { output } = await run('/big');
  expect(output).toBe(`HTTP GET http://TARGET/big: 200 OK Output: ${'x'.repeat(4_096)}`);
});

test('redirects can be taken as the answer', async () => {
  expect(await run('/redir', { disable_redirects: true })).toMatchObject({ status: 'critical' });
});

test('the usual headers are sent unless the definition has its own', async () => {
  const { output } = await run('/seen', { header: { 'user-agent': ['mine'], Host: ['example.test'] } });
  const seen = JSON.parse(output.slice(output.indexOf('{')));
  expect(seen).toMatchObject({
    host: 'example.test',
    'user-agent': 'mine',
    accept: 'text/plain, text/*, */*',
  });
  expect((await run('/seen')).output).toContain('"user-agent":"Consul Health Check"');
});

test('a refused connection and a timeout are told as Consul does', async () => {
  const refused = await closedPort();
  expect(await run(`http://127.0.0.1:${refused}/`)).toMatchObject({
    status: 'critical',
    output: `Get "http://127.0.0.1:${refused}/": dial tcp 127.0.0.1:${refused}: connect: connection refused`,
  });
  const silent = await tcpServer();
  expect(await run(`http://127.0.0.1:${silent}/slow`, {}, { timeoutMs: 80 })).toMatchObject({
    status: 'critical',
    output: `Get "http://127.0.0.1:${silent}/slow": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
  });
});

test('an assertion on the status replaces the rule of Consul, the others add to it', async () => {
  expect((await run('/status/404', { assert: { status: 404 } })).status).toBe('passing');
  expect((await run('/status/200', { assert: { status: 404 } })).status).toBe('critical');
  expect((await run('/status/500', { assert: { body: 'body of 500' } })).status).toBe('critical');
  const warned = await run('/status/429', { assert: { body: 'body' } });
  expect(warned.status).toBe('warning');
});

test('what does not hold stands before the answer', async () => {
  expect((await run('/status/200', { assert: { body: 'ready' } })).output).toBe(
    'body lacks "ready"\nHTTP GET http://TARGET/status/200: 200 OK Output: body of 200\n',
  );
});

test('assertions look further into a body than is shown', async () => {
  const deep = await httpServer((_request, response) => response.end(`${' '.repeat(100_000)}ready`));
  const outcome = await run(`http://127.0.0.1:${deep}/`, { assert: { body: 'ready' } });
  expect(outcome.status).toBe('passing');
  expect(outcome.output.length).toBeLessThan(4_200);
});
