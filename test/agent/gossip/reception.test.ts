import { expect, test } from 'vitest';
import { decodePacket, encodePacket } from '../../../proto/gossip/envelope.ts';
import { encodeKin } from '../../../proto/gossip/kin.ts';
import { noLabel } from '../../../proto/gossip/label.ts';
import type { PacketMessage, StreamMessage } from '../../../proto/gossip/messages.ts';
import { encodeMessage } from '../../../proto/gossip/packets.ts';
import { encodeStream, StreamDecoder } from '../../../proto/gossip/stream.ts';
import { GossipCluster } from '../../sim/gossip-cluster.ts';
import { deadOf, suspectOf } from './stage.ts';

const opening = { label: noLabel, keys: [], acceptPlain: false };
const from = { host: '10.7.7.7', port: 7_946 };
const nothing = new Uint8Array(0);

const ping = {
  type: 'ping' as const,
  seqNo: 9,
  node: 'n0',
  sourceAddr: nothing,
  sourcePort: 0,
  sourceNode: '',
};

/** One agent, and a stranger that listens to what it answers. */
function make() {
  const scene = new GossipCluster({ seed: 'reception' });
  const [node] = scene.grow(1);
  const heard: Uint8Array[] = [];
  scene.network.listen(from, {
    receivePacket: (_, packet) => heard.push(packet),
    acceptStream: () => ({ receive: () => ({ done: true, reply: null }), fail: () => {} }),
  });
  const send = (...messages: PacketMessage[]) => {
    const packet = encodePacket(messages.map(encodeMessage), {
      label: noLabel,
      crc: false,
      compress: false,
      seal: null,
    });
    node!.gossip.receivePacket(from, packet);
    scene.runFor(5);
  };
  const ask = (message: StreamMessage) => {
    const bytes = encodeStream(message, { sender: 'client', label: noLabel, compress: false, seal: null });
    const step = node!.gossip.acceptStream(from).receive(bytes);
    if (!step.done || step.reply === null) return null;
    const progress = new StreamDecoder('server', opening).push(step.reply);
    return progress.state === 'complete' ? progress.message : null;
  };
  // What it has to tell at its start has been told.
  for (let i = 0; i < 4; i++) send(ping);
  heard.length = 0;
  return { scene, node: node!, heard, send, ask, stats: () => node!.gossip.stats() };
}

test('a ping is acked with a coordinate to where it came from', () => {
  const { heard, send } = make();
  send(ping);
  const [ack] = decodePacket(heard[0]!, opening).messages;
  expect(ack).toMatchObject({ type: 'ackResp', seqNo: 9 });
  expect(ack?.type === 'ackResp' && ack.payload).toHaveLength(130);
  send({ ...ping, node: '' });
  expect(heard).toHaveLength(2);
});

test('a ping for somebody else is left alone', () => {
  const { heard, send, stats } = make();
  send({ ...ping, node: 'n1' });
  expect(heard).toEqual([]);
  expect(stats().pings_for_others).toBe(1);
});

test('a ping that brings a suspicion takes the refutation back', () => {
  const { heard, send } = make();
  send(ping, suspectOf('n0', 'stranger', 1));
  const messages = decodePacket(heard[0]!, opening).messages;
  expect(messages).toMatchObject([{ type: 'ackResp' }, { type: 'alive', node: 'n0', incarnation: 2 }]);
});

test('an accuser that has missed the refutation gets it with the ack', () => {
  const { heard, send } = make();
  send(suspectOf('n0', 'stranger', 7));
  for (let i = 0; i < 4; i++) send(ping);
  heard.length = 0;
  send(ping, suspectOf('n0', 'stranger', 7));
  const messages = decodePacket(heard[0]!, opening).messages;
  expect(messages).toMatchObject([{ type: 'ackResp' }, { type: 'alive', incarnation: 8 }]);
});

test('a stream is answered as it deserves', () => {
  const { ask } = make();
  expect(ask({ ...ping })).toEqual({ type: 'ackResp', seqNo: 9, payload: null });
  expect(ask({ ...ping, node: 'n1' })).toBeNull();
  expect(ask({ type: 'pushPull', join: false, nodes: [], userState: nothing })).toMatchObject({
    type: 'pushPull',
    nodes: [{ name: 'n0' }],
  });
  expect(ask({ type: 'user', payload: Uint8Array.of(3, 0x80) })).toBeNull();
  expect(ask({ type: 'err', error: 'what?' })).toBeNull();
});

test('somebody who sees us under another address is heard', () => {
  const { scene, send } = make();
  const seen = {
    type: 'kin.seen' as const,
    from: 'stranger',
    addr: Uint8Array.of(203, 0, 113, 5),
    port: 40_001,
  };
  send({ type: 'user', payload: encodeKin(seen) });
  send({ type: 'user', payload: encodeKin({ ...seen, addr: nothing }) });
  const heard = scene.happenings
    .filter(({ event }) => event.kind === 'seen-elsewhere')
    .map(({ event }) => event);
  expect(heard).toEqual([{ kind: 'seen-elsewhere', by: 'stranger', address: '203.0.113.5:40001' }]);
});

test('news about nobody, late acks and garbage are counted or ignored', () => {
  const { node, scene, send, stats } = make();
  send(suspectOf('nobody', 'x'), deadOf('nobody', 'x'), { type: 'ackResp', seqNo: 99, payload: null });
  send({ type: 'user', payload: Uint8Array.of(200) });
  for (let i = 0; i < 50; i++) node.gossip.receivePacket(from, scene.random.bytes(i));
  expect(stats()).toMatchObject({ acks_late: 1, 'serf_refused_unknown-type': 1, members: 1 });
});
