import { afterAll, expect, test } from 'vitest';
import { hostResolver } from '../../../agent/host/resolver.ts';
import { closeServers, dnsServer, udpServer } from './servers.ts';

const resolver = hostResolver();
afterAll(closeServers);

const by = (port: number) => ({ server: { host: '127.0.0.1', port }, timeoutMs: 1_000 });

test('a known name resolves, an unknown one does not', async () => {
  const port = await dnsServer();
  expect(await resolver.resolve('web.test', 'A', by(port))).toEqual(['192.0.2.7']);
  await expect(resolver.resolve('nope.test', 'A', by(port))).rejects.toMatchObject({
    code: 'ENOTFOUND',
    message: 'lookup nope.test: no such host',
  });
});

test('a server that hangs ends at the deadline', async () => {
  const port = await udpServer(null);
  await expect(resolver.resolve('web.test', 'A', { ...by(port), timeoutMs: 80 })).rejects.toMatchObject({
    name: 'NetworkError',
    message: 'lookup web.test: i/o timeout',
  });
});

test('an abort cancels the question', async () => {
  const port = await udpServer(null);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 20);
  await expect(
    resolver.resolve('web.test', 'A', { ...by(port), signal: abort.signal }),
  ).rejects.toMatchObject({ name: 'NetworkError' });
});
