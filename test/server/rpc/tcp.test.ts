import net from 'node:net';
import { expect, test } from 'vitest';
import { everyEvent } from '../../../proto/event-filter.ts';
import type { StreamRecord } from '../../../proto/schema/event.ts';
import { connectRpc, makeRpcHost } from '../../../server/rpc/client.ts';
import { RpcListener } from '../../../server/rpc/listener.ts';
import { tcp } from '../../../server/rpc/tcp.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { SeededRandom } from '../../sim/random.ts';
import { statusOf } from './memory-network.ts';

const fromStart = { after: 0, logId: '', filter: everyEvent };

function host(nodeId: string, handlers = {}) {
  return makeRpcHost({
    clock: new VirtualClock(),
    random: new SeededRandom(nodeId),
    network: tcp,
    identity: () => ({ kind: 'server', nodeId, node: nodeId, clusterId: '' }),
    handlers,
    defer: setImmediate,
    onBug: (error) => {
      throw error;
    },
  });
}

test('two processes would talk like this: calls, a large answer, a goodbye', async () => {
  const large = 'x'.repeat(5_000_000);
  const handlers = { calls: { status: async () => ({ ...statusOf(1), leader: large }) } };
  const listener = new RpcListener(host('server', handlers), { at: { host: '127.0.0.1', port: 0 } });
  const address = await listener.start();
  expect(address.port).toBeGreaterThan(0);
  const connection = await connectRpc(address, host('agent'));
  const answers = await Promise.all(Array.from({ length: 5 }, () => connection.call('status', {})));
  expect(answers.every(({ leader }) => leader === large)).toBe(true);
  await listener.stop(100);
  expect(await connection.closed).toBeUndefined();
});

test('a stream of items that are each larger than the window comes through, real sockets and all', async () => {
  const sizes = [3_000_000, 10, 1_200_000, 6_000_000, 1_048_000, 10];
  async function* items(): AsyncGenerator<StreamRecord> {
    for (const size of sizes) yield { Error: { Code: 'BUSY', Message: 'x'.repeat(size) } };
  }
  const handlers = { streams: { 'events.read': items } };
  const listener = new RpcListener(host('server', handlers), { at: { host: '127.0.0.1', port: 0 } });
  const connection = await connectRpc(await listener.start(), host('agent'));
  const seen: number[] = [];
  for await (const item of connection.stream('events.read', fromStart)) {
    if ('Error' in item) seen.push(item.Error.Message.length);
  }
  expect(seen).toEqual(sizes);
  await listener.stop(100);
});

test('nobody at home, and a dial that is given up', async () => {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await expect(connectRpc({ host: '127.0.0.1', port }, host('agent'))).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
    message: expect.stringContaining(`dial tcp 127.0.0.1:${port}: connect ECONNREFUSED`),
  });
  await expect(tcp.dial({ host: '127.0.0.1', port }, AbortSignal.abort())).rejects.toMatchObject({
    code: 'CONNECTION_LOST',
  });
});

test("a port that is taken is refused with the system's own code", async () => {
  const first = new RpcListener(host('one'), { at: { host: '127.0.0.1', port: 0 } });
  const address = await first.start();
  const second = new RpcListener(host('two'), { at: address });
  await expect(second.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await first.stop();
});

test('a process that dies takes its connection with it', async () => {
  const sockets: net.Socket[] = [];
  const server = net.createServer((socket) => sockets.push(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const stream = await tcp.dial({ host: '127.0.0.1', port });
  expect(stream.remote).toEqual({ host: '127.0.0.1', port });
  const closed = new Promise<Error | undefined>((resolve) => {
    stream.receive({ onData: () => {}, onDrain: () => {}, onClose: resolve });
  });
  stream.write(new Uint8Array([1]));
  while (sockets.length === 0) await new Promise(setImmediate);
  sockets[0]!.resetAndDestroy();
  expect((await closed)?.message).toContain('ECONNRESET');
  const late = new Promise((resolve) =>
    stream.receive({ onData: () => {}, onDrain: () => {}, onClose: resolve }),
  );
  expect(await late).toBeInstanceOf(Error);
  server.close();
});

test('one that ends without an answer of the other side is gone after a moment', async () => {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const stream = await tcp.dial({ host: '127.0.0.1', port });
  const closed = new Promise((resolve) =>
    stream.receive({ onData: () => {}, onDrain: () => {}, onClose: resolve }),
  );
  stream.end();
  await closed;
  server.close();
});
