import { expect, test } from 'vitest';
import { connectRpc } from '../../../server/rpc/client.ts';
import { encodeFrame } from '../../../server/rpc/frames.ts';
import { handshakeTimeoutMs } from '../../../server/rpc/handshake.ts';
import { handshakesMax, type RefusalNote, RpcListener } from '../../../server/rpc/listener.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { MemoryNetwork, type MemoryStream, statusOf, testHost } from './memory-network.ts';

const at = { host: '127.0.0.2', port: 8300 };

async function serving(cluster = 'c1') {
  const clock = new VirtualClock();
  const network = new MemoryNetwork();
  const refused: RefusalNote[] = [];
  const listener = new RpcListener(
    testHost({
      clock,
      network,
      identity: { nodeId: 'server', clusterId: cluster },
      handlers: { calls: { status: async () => statusOf(1) } },
    }),
    { at, onRefused: (note) => refused.push(note) },
  );
  await listener.start();
  const caller = (nodeId: string, clusterId = '') =>
    testHost({ clock, network, identity: { kind: 'agent', nodeId, clusterId } });
  return { clock, network, refused, listener, caller };
}

async function stranger(network: MemoryNetwork, bytes: Uint8Array | string): Promise<MemoryStream> {
  const stream = (await network.dial(at)) as MemoryStream;
  stream.write(Buffer.from(bytes as string));
  return stream;
}

test('agents connect, are answered and counted', async () => {
  const { listener, caller } = await serving();
  const one = await connectRpc(at, caller('a1'));
  const two = await connectRpc(at, caller('a2'));
  expect((await two.call('status', {})).term).toBe(1);
  expect(listener.stats()).toMatchObject({ accepted: 2, connections: 2 });
  expect([...listener.connections].map(({ peer }) => peer.nodeId)).toEqual(['a1', 'a2']);
  await one.close();
  await two.close();
  expect(listener.stats()).toMatchObject({ accepted: 2, connections: 0 });
});

test('garbage, a giant, half a handshake, silence and a foreign cluster: each refused, counted and named', async () => {
  const { clock, network, refused, listener, caller } = await serving();
  await stranger(network, 'GET / HTTP/1.1\r\n\r\n');
  await stranger(
    network,
    Buffer.concat([Buffer.from('ROLL\x01'), encodeFrame('hello', 0, new Uint8Array(9_000))]),
  );
  (await stranger(network, 'ROLL')).end();
  await stranger(network, '');
  await expect(connectRpc(at, caller('x', 'c9'))).rejects.toMatchObject({ code: 'FOREIGN_CLUSTER' });
  await clock.settleFor(handshakeTimeoutMs + 1);
  expect(listener.stats()).toMatchObject({
    accepted: 0,
    refused_garbage: 1,
    refused_oversized: 1,
    refused_half: 1,
    refused_silent: 1,
    refused_foreign_cluster: 1,
  });
  expect(refused.map(({ reason }) => reason).sort()).toEqual([
    'foreign_cluster',
    'garbage',
    'half',
    'oversized',
    'silent',
  ]);
});

test('a connection that turns to garbage after the handshake is counted too', async () => {
  const { clock, network, listener, caller } = await serving();
  await connectRpc(at, caller('a1'));
  network.pairs[0]![0].write(new Uint8Array(20).fill(0xff));
  await clock.settleFor(1);
  expect(listener.stats()).toMatchObject({ connections: 0, refused_oversized: 1 });
});

test('strangers beyond the limit are turned away with a reason that they can read', async () => {
  const { network, listener, caller } = await serving();
  for (let n = 0; n < handshakesMax; n++) await network.dial(at);
  await expect(connectRpc(at, caller('late'))).rejects.toMatchObject({
    code: 'BUSY',
    message: 'refused by the other side: too many connections',
  });
  expect(listener.stats()).toMatchObject({ refused_too_many: 1 });
});

test('a server that stops says goodbye, lets answers out and takes nobody new', async () => {
  const { clock, listener, caller } = await serving();
  const agent = await connectRpc(at, caller('a1'));
  const answer = agent.call('status', {});
  await clock.settleFor(1);
  await listener.stop(1_000);
  expect((await answer).term).toBe(1);
  expect(await agent.closed).toBeUndefined();
  await expect(connectRpc(at, caller('a2'))).rejects.toMatchObject({ code: 'CONNECTION_LOST' });
});

test('all connections hear that the cluster has a name now', async () => {
  const { clock, listener, caller } = await serving('');
  const agent = await connectRpc(at, caller('a1'));
  listener.announceCluster('c1');
  await clock.settleFor(1);
  expect(agent.peer.clusterId).toBe('c1');
});
