import { expect, test } from 'vitest';
import type { RaftMessage } from '../../../proto/raft.ts';
import { PeerLinks } from '../../../server/rpc/links.ts';
import { RpcListener } from '../../../server/rpc/listener.ts';
import { VirtualClock } from '../../sim/clock.ts';
import { MemoryNetwork, statusOf, testHost } from './memory-network.ts';

interface Server {
  id: string;
  listener: RpcListener;
  links: PeerLinks;
  heard: RaftMessage[];
}

const at = (id: string) => ({ host: `host-${id}`, port: 8300 });

function vote(to: string, term: number): RaftMessage {
  return { type: 'voteAnswer', from: 'a', to, term, pre: false, granted: true };
}

async function start(id: string, clock: VirtualClock, network: MemoryNetwork, life = 1): Promise<Server> {
  const heard: RaftMessage[] = [];
  const host = testHost({
    clock,
    network,
    identity: { nodeId: id, node: id },
    seed: `${id} ${life}`,
    handlers: {
      calls: { status: async () => statusOf(life) },
      notices: { 'raft.messages': ({ messages }) => heard.push(...messages) },
    },
  });
  const links = new PeerLinks(host);
  const listener = new RpcListener(host, {
    at: at(id),
    onConnection: (connection) => {
      if (connection.peer.kind === 'server') links.adopt(connection);
    },
  });
  await listener.start();
  return { id, listener, links, heard };
}

async function pair() {
  const clock = new VirtualClock();
  const network = new MemoryNetwork();
  const a = await start('a', clock, network);
  const b = await start('b', clock, network);
  return { clock, network, a, b };
}

test('two servers that dial each other end with one connection, and both agree which', async () => {
  const { clock, a, b } = await pair();
  a.links.setAddress('b', at('b'));
  b.links.setAddress('a', at('a'));
  await clock.settleFor(10_000);
  expect(a.links.connected()).toEqual(['b']);
  expect(b.links.connected()).toEqual(['a']);
  expect(a.listener.connections.size + b.listener.connections.size).toBe(1);
  // The one that the lower id dialed.
  expect(b.listener.connections.size).toBe(1);
});

test('one address is enough: the other side answers over the same connection', async () => {
  const { clock, a, b } = await pair();
  a.links.setAddress('b', at('b'));
  await clock.settleFor(10);
  b.links.send('a', [vote('a', 4)]);
  await clock.settleFor(10);
  expect(a.heard).toEqual([vote('a', 4)]);
  expect((await b.links.rpc('a').call('status', {})).term).toBe(1);
});

test('what is sent while the dial is under way arrives; what is sent to nobody is dropped and counted', async () => {
  const { clock, a, b } = await pair();
  a.links.setAddress('b', at('b'));
  a.links.send('b', [vote('b', 1), vote('b', 2)]);
  a.links.send('c', [vote('c', 1)]);
  await clock.settleFor(10);
  expect(b.heard.map(({ term }) => term)).toEqual([1, 2]);
  expect(a.links.stats()).toMatchObject({ links_connected: 1, raft_messages_dropped: 1 });
});

test('a peer that does not read loses messages instead of filling our memory', async () => {
  const { clock, network, a } = await pair();
  a.links.setAddress('b', at('b'));
  await clock.settleFor(10);
  network.pairs[0]![1].stalled = true;
  const data = new Uint8Array(1024 * 1024);
  const append: RaftMessage = {
    type: 'append',
    from: 'a',
    to: 'b',
    term: 1,
    prevIndex: 0,
    prevTerm: 0,
    commit: 0,
    entries: [{ index: 1, term: 1, kind: 'command', data }],
  };
  for (let n = 0; n < 40; n++) {
    a.links.send('b', [append]);
    await clock.settleFor(1);
  }
  expect(a.links.stats().raft_messages_dropped).toBeGreaterThan(20);
  expect(a.links.connected()).toEqual(['b']);
});

test('after the peer was restarted the link comes back, and its old connection wins no argument', async () => {
  const { clock, network, a, b } = await pair();
  b.links.setAddress('a', at('a'));
  a.links.setAddress('b', at('b'));
  await clock.settleFor(100);
  // b dies without a word: a still believes in the connection when b's next life dials.
  for (const [near, far] of network.pairs) {
    near.stalled = true;
    far.stalled = true;
  }
  await b.listener.stop();
  const again = await start('b', clock, network, 2);
  again.links.setAddress('a', at('a'));
  await clock.settleFor(100);
  expect((await a.links.rpc('b').call('status', {})).term).toBe(2);
});

test('while a peer is away it is dialed again and again, and calls fail at once with the reason', async () => {
  const { clock, network, a } = await pair();
  a.links.setAddress('c', at('c'));
  await clock.settleFor(5_000);
  const failure = await a.links
    .rpc('c')
    .call('status', {})
    .catch((error) => error);
  expect(failure).toMatchObject({ code: 'CONNECTION_LOST' });
  expect(failure.message).toContain('refused by host-c');
  await start('c', clock, network);
  await clock.settleFor(2_000);
  expect(a.links.connected()).toEqual(['c']);
});

test('an address that belongs to another server by now is not mistaken for it', async () => {
  const { clock, a } = await pair();
  a.links.setAddress('c', at('b'));
  await clock.settleFor(1_000);
  expect(a.links.connected()).toEqual([]);
  const failure = await a.links
    .rpc('c')
    .call('status', {})
    .catch((error) => error);
  expect(failure.message).toContain('is server b, not c');
  a.links.setAddress('c', at('a'));
});

test('a forgotten server is not dialed any more, and after stop nobody is', async () => {
  const { clock, a, b } = await pair();
  a.links.setAddress('b', at('b'));
  await clock.settleFor(10);
  a.links.forget('b');
  await clock.settleFor(5_000);
  expect(a.links.connected()).toEqual([]);
  expect(b.listener.connections.size).toBe(0);
  a.links.setAddress('b', at('b'));
  await clock.settleFor(10);
  await a.links.stop();
  await clock.settleFor(5_000);
  expect(b.listener.connections.size).toBe(0);
  expect(() => a.links.rpc('b')).toThrow('closed');
});
