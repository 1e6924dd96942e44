import { connect, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { type StreamFailure, type StreamReader, streamDone, streamMore } from '../../agent/gossip/streams.ts';
import { Transport, type TransportOptions } from '../../agent/transport.ts';

const opened: Transport[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((transport) => transport.close()));
});

async function open(options: Partial<TransportOptions> = {}): Promise<Transport> {
  const transport = await Transport.open({
    bind: { host: '127.0.0.1', port: 0 },
    streamTimeoutMs: 5_000,
    onPacket: () => {},
    onStream: () => silent,
    ...options,
  });
  opened.push(transport);
  return transport;
}

/** Connections of ours that were taken. */
let taken = 0;

const silent: StreamReader = { receive: () => streamMore, fail: () => {} };

/** Asks and waits for how it ends. */
function ask(from: Transport, to: { host: string; port: number }, request: string, timeoutMs = 5_000) {
  return new Promise<string>((resolve) => {
    let text = '';
    from.exchange(to, Buffer.from(request), timeoutMs, {
      open: () => {
        taken += 1;
      },
      receive(bytes) {
        text += Buffer.from(bytes).toString();
        if (!text.endsWith('.')) return streamMore;
        resolve(text);
        return streamDone;
      },
      fail: (reason: StreamFailure) => resolve(`failed: ${reason}`),
    });
  });
}

/** Repeats what it hears, when a full stop comes. */
function echo(): StreamReader {
  let text = '';
  return {
    receive(bytes) {
      text += Buffer.from(bytes).toString();
      return text.endsWith('.') ? { done: true, reply: Buffer.from(`you said ${text}`) } : streamMore;
    },
    fail: () => {},
  };
}

test.each(['127.0.0.1', '::1'])('packets and streams meet on one port of %s', async (host) => {
  let arrived: (text: string) => void = () => {};
  const packet = new Promise<string>((resolve) => {
    arrived = resolve;
  });
  const one = await open({ bind: { host, port: 0 } });
  const other = await open({
    bind: { host, port: 0 },
    onPacket: (from, bytes) => arrived(`${from.host} ${from.port} ${Buffer.from(bytes).toString()}`),
    onStream: echo,
  });
  one.send(other.local, Buffer.from('hello'));
  expect(await packet).toBe(`${host} ${one.local.port} hello`);
  expect(await ask(one, other.local, 'good day.')).toBe('you said good day.');
});

test('a dual-stack socket shows IPv4 peers by their IPv4 address, and reaches them', async () => {
  let arrived: (host: string) => void = () => {};
  const packet = new Promise<string>((resolve) => {
    arrived = resolve;
  });
  const dual = await open({ bind: { host: '::', port: 0 }, onPacket: (from) => arrived(from.host) });
  const back = new Promise<string>((resolve) => {
    void open({ onPacket: (_, bytes) => resolve(Buffer.from(bytes).toString()) }).then(async (four) => {
      four.send({ host: '127.0.0.1', port: dual.local.port }, Buffer.from('from four'));
      await packet;
      dual.send(four.local, Buffer.from('from six'));
    });
  });
  expect(await packet).toBe('127.0.0.1');
  expect(await back).toBe('from six');
});

test('a port in use and an address of another host are one clear line each', async () => {
  const first = await open();
  await expect(open({ bind: first.local })).rejects.toMatchObject({
    code: 'EADDRINUSE',
    message: `cannot listen for gossip on 127.0.0.1:${first.local.port} (TCP): the port is in use by another program; stop it or choose another port`,
  });
  await expect(open({ bind: { host: '192.0.2.1', port: 0 } })).rejects.toMatchObject({
    code: 'EADDRNOTAVAIL',
  });
});

test('when only UDP finds the port in use, TCP is given back', async () => {
  const { createSocket } = await import('node:dgram');
  const udp = createSocket('udp4');
  await new Promise<void>((resolve) => udp.bind(0, '127.0.0.1', resolve));
  const { port } = udp.address();
  await expect(open({ bind: { host: '127.0.0.1', port } })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  const tcp = createServer();
  await new Promise<void>((resolve, reject) => {
    tcp.once('error', reject);
    tcp.listen(port, '127.0.0.1', resolve);
  });
  await new Promise((resolve) => tcp.close(resolve));
  await new Promise<void>((resolve) => udp.close(() => resolve()));
});

test('nobody behind a port is told apart from silence and from a hang-up', async () => {
  const asker = await open();
  const gone = await open();
  const { local } = gone;
  await gone.close();
  taken = 0;
  expect(await ask(asker, local, 'anybody?')).toBe('failed: refused');
  expect(taken).toBe(0);
  const mute = await open();
  expect(await ask(asker, mute.local, 'anybody?', 30)).toBe('failed: timeout');
  const curt = await open({
    onStream: () => ({ receive: () => ({ done: true, reply: null }), fail: () => {} }),
  });
  taken = 0;
  expect(await ask(asker, curt.local, 'anybody?')).toBe('failed: closed');
  expect(taken).toBe(1);
});

test('a peer that sends a byte now and then is cut off when its time is up', async () => {
  let failed: (reason: string) => void = () => {};
  const reason = new Promise<string>((resolve) => {
    failed = resolve;
  });
  const server = await open({
    streamTimeoutMs: 60,
    onStream: () => ({ receive: () => streamMore, fail: (why) => failed(why) }),
  });
  const socket = connect(server.local.port, server.local.host);
  const drip = setInterval(() => socket.write('x'), 10);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.on('close', resolve));
  clearInterval(drip);
  expect(await reason).toBe('timeout');
  expect(server.counters.streamsTimedOut).toBe(1);
});

test('strangers cannot hold more connections than we allow', async () => {
  const server = await open();
  const sockets = Array.from({ length: 260 }, () => connect(server.local.port, server.local.host));
  for (const socket of sockets) socket.on('error', () => {});
  // Connections beyond the limit are closed by the server, one after the other.
  await new Promise<void>((resolve) => {
    let closed = 0;
    for (const socket of sockets) {
      socket.on('close', () => {
        closed += 1;
        if (closed === 4) resolve();
      });
    }
  });
  expect(server.counters).toMatchObject({ streamsTooMany: 4, streamsServed: 256 });
  for (const socket of sockets) socket.destroy();
});

test('a packet that cannot be sent is counted and harms nobody', async () => {
  const four = await open();
  four.send({ host: '::1', port: 1 }, Buffer.from('x'));
  expect(four.counters.packetsUnsendable).toBe(1);
});

test('closing ends whatever is under way', async () => {
  const asker = await open();
  const mute = await open();
  const pending = ask(asker, mute.local, 'anybody?');
  await asker.close();
  expect(await pending).toBe('failed: closed');
  expect(await ask(asker, mute.local, 'anybody?')).toBe('failed: error');
});
