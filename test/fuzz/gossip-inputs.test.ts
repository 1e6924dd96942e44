/** The wrong inputs that have a name: each leaves a mark in a counter, and a core that goes on as before. */
import { expect, test } from 'vitest';
import type { Gossip } from '../../agent/gossip/gossip.ts';
import { ownVsn } from '../../agent/gossip/self.ts';
import { encodeCompressed, encodePacket } from '../../proto/gossip/envelope.ts';
import { noLabel } from '../../proto/gossip/label.ts';
import { type Alive, incarnationMax, type PacketMessage } from '../../proto/gossip/messages.ts';
import { encodeMessage } from '../../proto/gossip/packets.ts';
import { encodeSerf } from '../../proto/gossip/serf.ts';
import { GossipCluster } from '../sim/gossip-cluster.ts';

const stranger = { host: '10.66.0.1', port: 8301 };
const plain = { label: noLabel, crc: false, compress: false, seal: null };
const packet = (...messages: PacketMessage[]) => encodePacket(messages.map(encodeMessage), plain);
const alive = (changes: Partial<Alive>): Alive => ({
  type: 'alive',
  node: 'ghost',
  incarnation: 1,
  addr: Uint8Array.of(10, 66, 0, 1),
  port: 8301,
  meta: new Uint8Array(0),
  vsn: ownVsn,
  ...changes,
});
const send = (bytes: Uint8Array) => (gossip: Gossip) => gossip.receivePacket(stranger, bytes);
const stream = (bytes: Uint8Array) => (gossip: Gossip) => {
  const reader = gossip.acceptStream(stranger);
  if (!reader.receive(bytes).done) reader.fail('closed');
};
/** Type byte of a push/pull, and a header that announces ten million nodes. */
const tenMillion = Uint8Array.from([
  6,
  ...[0x83, 0xa5, ...Buffer.from('Nodes'), 0xce, 0x00, 0x98, 0x96, 0x80],
  ...[0xac, ...Buffer.from('UserStateLen'), 0x00, 0xa4, ...Buffer.from('Join'), 0xc2],
]);

const bomb = encodeCompressed(new Uint8Array(32 * 1024 * 1024));

test.each<[string, (gossip: Gossip) => void, string]>([
  ['random bytes', send(Uint8Array.of(0xc7, 0x13, 0x88, 0x02)), 'refused_unknown-type'],
  ['a truncated packet', send(packet(alive({})).subarray(0, 20)), 'refused_truncated'],
  ['a packet of nothing', send(new Uint8Array(0)), 'refused_empty'],
  ['a stream that ends too early', stream(tenMillion.subarray(0, 5)), 'refused_truncated'],
  ['a push/pull that claims ten million nodes', stream(tenMillion), 'refused_too-many'],
  ['a bomb in a packet', send(bomb), 'refused_bomb'],
  ['a bomb in a stream', stream(bomb), 'refused_bomb'],
  ['an oversized name', send(packet(alive({ node: 'x'.repeat(40_000) }))), 'alive_refused'],
  ['tags over the limit', send(packet(alive({ meta: new Uint8Array(513) }))), 'alive_refused'],
  ['a replayed ack', send(packet({ type: 'ackResp', seqNo: 1, payload: null })), 'acks_late'],
  ['our name at another address', send(packet(alive({ node: 'n0', incarnation: 9 }))), 'name_conflicts'],
  [
    'an accusation at the last incarnation',
    send(packet({ type: 'suspect', node: 'n0', incarnation: incarnationMax, from: 'ghost' })),
    'refutations_impossible',
  ],
  [
    'an event that no honest agent sends',
    send(packet({ type: 'user', payload: largeEvent(20_000) })),
    'user_events_refused',
  ],
])('%s', (_, act, counter) => {
  const scene = new GossipCluster({ seed: 'wrong input' });
  scene.grow(3);
  scene.runFor(3_000);
  const { gossip } = scene.nodes[0]!;
  const before = gossip.stats()[counter] ?? 0;
  act(gossip);
  expect(gossip.stats()[counter]).toBe(before + 1);
  expect(gossip.stats()).toMatchObject({ members: 3, members_alive: 3 });
  scene.runFor(20_000);
  for (const node of scene.nodes) expect(node.gossip.aliveCount).toBe(3);
});

function largeEvent(bytes: number): Uint8Array {
  const payload = new Uint8Array(bytes);
  return encodeSerf({ type: 'serf.userEvent', ltime: 1, name: 'deploy', payload, cc: false });
}
