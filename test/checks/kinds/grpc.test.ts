import { afterAll, expect, test } from 'vitest';
import { hostHttp2 } from '../../../agent/host/http2.ts';
import { hostLookup } from '../../../agent/host/lookup.ts';
import { grpcKind } from '../../../checks/kinds/grpc.ts';
import type { SpecOf } from '../../../proto/schema/definitions.ts';
import { closedPort, closeServers, http2Server, tcpServer } from '../../agent/host/servers.ts';
import { define } from '../fakes.ts';
import { context } from '../real-host.ts';

const kind = grpcKind(hostHttp2(hostLookup()));
afterAll(closeServers);

/** Answers with a status of the health protocol for each service, as a real server does. */
const health = http2Server((stream, headers) => {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.on('end', () => {
    const request = Buffer.concat(chunks);
    const service = request.subarray(7).toString();
    const type = { 'content-type': 'application/grpc' };
    if (
      headers[':path'] !== '/grpc.health.v1.Health/Check' ||
      request.readUInt32BE(1) !== request.length - 5
    ) {
      stream.respond({ ...type, 'grpc-status': '3', 'grpc-message': 'bad%20request' }, { endStream: true });
    } else if (service === 'unknown') {
      stream.respond(
        { ...type, 'grpc-status': '5', 'grpc-message': 'unknown%20service' },
        { endStream: true },
      );
    } else if (service === 'html') {
      stream.respond({ ':status': 404 });
      stream.end('<html>');
    } else {
      const status = { '': 1, down: 2, idle: 0 }[service] ?? 1;
      const message = status === 0 ? Buffer.alloc(0) : Buffer.from([0x08, status]);
      const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
      stream.respond(type, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
      stream.end(frame);
    }
  });
});

async function run(port: number, service = '', timeoutMs = 10_000) {
  const grpc = `127.0.0.1:${port}${service === '' ? '' : `/${service}`}`;
  const outcome = await kind.run(
    define({ grpc, interval: '10s' }).spec as SpecOf<'grpc'>,
    context({ timeoutMs }),
  );
  return [outcome.status, outcome.output.replaceAll(String(port), 'PORT')];
}

test.each([
  ['', 'passing', 'gRPC check 127.0.0.1:PORT: success'],
  ['some.Service', 'passing', 'gRPC check 127.0.0.1:PORT/some.Service: success'],
  ['x'.repeat(300), 'passing', `gRPC check 127.0.0.1:PORT/${'x'.repeat(300)}: success`],
  ['down', 'critical', 'gRPC check 127.0.0.1:PORT/down: NOT_SERVING'],
  ['idle', 'critical', 'gRPC check 127.0.0.1:PORT/idle: UNKNOWN'],
  ['unknown', 'critical', 'rpc error: code = NotFound desc = unknown service'],
  [
    'html',
    'critical',
    'rpc error: code = Unavailable desc = unexpected HTTP status code received from server: 404',
  ],
])('service "%s" is %s', async (service, status, output) => {
  expect(await run(await health, service)).toEqual([status, output]);
});

test('a refused connection is told in the words of Consul', async () => {
  expect(await run(await closedPort())).toEqual([
    'critical',
    'rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing dial tcp 127.0.0.1:PORT: connect: connection refused"',
  ]);
});

test('who takes the connection and says nothing is late', async () => {
  const port = await tcpServer();
  expect(await run(port, '', 100)).toEqual([
    'critical',
    'rpc error: code = DeadlineExceeded desc = context deadline exceeded',
  ]);
});

test('an answer that is no message of the protocol is critical', async () => {
  const port = await http2Server((stream) => {
    stream.respond({}, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end('nonsense');
  });
  expect(await run(port)).toEqual(['critical', 'gRPC check 127.0.0.1:PORT: the answer cannot be read']);
});
