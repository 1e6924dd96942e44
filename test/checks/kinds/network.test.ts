import { afterAll, expect, test } from 'vitest';
import { hostDialer } from '../../../agent/host/dialer.ts';
import { hostHttp2 } from '../../../agent/host/http2.ts';
import { hostLookup } from '../../../agent/host/lookup.ts';
import { hostResolver } from '../../../agent/host/resolver.ts';
import { dnsKind } from '../../../checks/kinds/dns.ts';
import { h2pingKind } from '../../../checks/kinds/h2ping.ts';
import { tcpKind } from '../../../checks/kinds/tcp.ts';
import { tlsKind } from '../../../checks/kinds/tls.ts';
import { udpKind } from '../../../checks/kinds/udp.ts';
import type { CheckKindName, SpecOf } from '../../../proto/schema/definitions.ts';
import {
  closedPort,
  closeServers,
  dnsServer,
  http2Server,
  httpsServer,
  tcpServer,
  tlsFile,
  udpServer,
} from '../../agent/host/servers.ts';
import { define } from '../fakes.ts';
import { context } from '../real-host.ts';

const dialer = hostDialer(hostLookup());
afterAll(closeServers);

function spec<Kind extends CheckKindName>(keys: object): SpecOf<Kind> {
  return define({ interval: '10s', ...keys }).spec as SpecOf<Kind>;
}

test('tcp: who listens is passing, who does not is critical, in the words of Consul', async () => {
  const kind = tcpKind(dialer);
  const open = await tcpServer();
  const closed = await closedPort();
  expect(await kind.run(spec({ tcp: `127.0.0.1:${open}` }), context())).toEqual({
    status: 'passing',
    output: `TCP connect 127.0.0.1:${open}: Success`,
  });
  expect(await kind.run(spec({ tcp: `127.0.0.1:${closed}` }), context())).toMatchObject({
    status: 'critical',
    output: `dial tcp 127.0.0.1:${closed}: connect: connection refused`,
  });
});

test('tcp with TLS fails where there is none', async () => {
  const plain = await tcpServer();
  const outcome = await tcpKind(dialer).run(
    spec({ tcp: `127.0.0.1:${plain}`, tcp_use_tls: true }),
    context({ timeoutMs: 80 }),
  );
  expect(outcome).toMatchObject({ status: 'critical', details: { error: 'ETIMEDOUT' } });
});

test('udp: an answer and silence are passing, a refusal is critical', async () => {
  const kind = udpKind(dialer);
  const echo = await udpServer((question) => question);
  const silent = await udpServer(null);
  const closed = await closedPort();
  const run = (port: number, timeoutMs = 10_000) =>
    kind.run(spec({ udp: `127.0.0.1:${port}` }), context({ timeoutMs }));
  expect(await run(echo)).toMatchObject({
    status: 'passing',
    output: `UDP connect 127.0.0.1:${echo}: Success`,
  });
  expect(await run(silent, 60)).toMatchObject({ status: 'passing' });
  expect(await run(closed)).toMatchObject({ status: 'critical', output: expect.stringContaining('refused') });
});

test('tls: a certificate is judged by its days', async () => {
  const port = await httpsServer('good', () => {});
  const end = Date.parse('2126-10-29');
  const run = (daysBefore: number, keys: object = {}) =>
    tlsKind(dialer, { wallMs: () => end - daysBefore * 86_400_000 }).run(
      spec({ tls: `localhost:${port}`, tls_ca_file: tlsFile('ca.pem'), ...keys }),
      context(),
    );
  expect(await run(100)).toMatchObject({ status: 'passing', metrics: [{ name: 'days', unit: 'd' }] });
  expect(await run(15)).toMatchObject({
    status: 'warning',
    output: expect.stringContaining('certificate of localhost'),
  });
  expect(await run(3)).toMatchObject({ status: 'critical' });
  expect(await run(100, { warning: 365 })).toMatchObject({ status: 'warning' });
});

test('tls: who is not trusted is critical, whatever the days', async () => {
  const port = await httpsServer('expired', () => {});
  const outcome = await tlsKind(dialer, { wallMs: Date.now }).run(
    spec({ tls: `localhost:${port}`, tls_ca_file: tlsFile('ca.pem') }),
    context(),
  );
  expect(outcome).toMatchObject({ status: 'critical', output: expect.stringContaining('has expired') });
});

test('dns: the answers must be there, and the expected ones among them', async () => {
  const kind = dnsKind(hostResolver());
  const dns_server = `127.0.0.1:${await dnsServer()}`;
  const run = (keys: object) => kind.run(spec({ dns: 'web.test', dns_server, ...keys }), context());
  expect(await run({})).toEqual({ status: 'passing', output: 'DNS A web.test: 192.0.2.7' });
  expect(await run({ dns_expect: ['192.0.2.7'] })).toMatchObject({ status: 'passing' });
  expect(await run({ dns_expect: ['192.0.2.7', '192.0.2.8'] })).toEqual({
    status: 'critical',
    output: 'DNS A web.test: 192.0.2.7; expected also 192.0.2.8',
  });
  expect(await run({ dns: 'nope.test' })).toMatchObject({
    status: 'critical',
    output: 'DNS A nope.test: lookup nope.test: no such host',
  });
});

test('h2ping: who answers is passing', async () => {
  const kind = h2pingKind(hostHttp2(hostLookup()));
  const run = (port: number) =>
    kind.run(spec({ h2ping: `127.0.0.1:${port}`, h2ping_use_tls: false }), context({ timeoutMs: 10_000 }));
  expect(await run(await http2Server(() => {}))).toMatchObject({ status: 'passing' });
  expect(await run(await closedPort())).toMatchObject({
    status: 'critical',
    output: expect.stringContaining('refused'),
  });
});
