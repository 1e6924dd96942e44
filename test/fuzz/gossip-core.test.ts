/**
 * Hostile input into a living core: golden packets, mutated and recombined, and messages that are well formed but wicked.
 * Nothing may throw, nothing may grow beyond its bound, what leaves must be readable, and when it is over the cluster
 * has to find itself again.
 *
 * `ROLLCALL_FUZZ=1000000` sets the number of inputs, `ROLLCALL_FUZZ_SEED` repeats a run.
 */
import { expect, test } from 'vitest';
import { decodePacket, encodePacket } from '../../proto/gossip/envelope.ts';
import { noLabel } from '../../proto/gossip/label.ts';
import type { PacketMessage } from '../../proto/gossip/messages.ts';
import { encodeMessage } from '../../proto/gossip/packets.ts';
import { encodeSerf } from '../../proto/gossip/serf.ts';
import { encodeTags } from '../../proto/gossip/tags.ts';
import { fromHex, toHex, vectors } from '../proto/gossip/golden.ts';
import { GossipCluster } from '../sim/gossip-cluster.ts';
import { SeededRandom } from '../sim/random.ts';

const inputs = Number(process.env.ROLLCALL_FUZZ ?? 5_000);
const seed = Number(process.env.ROLLCALL_FUZZ_SEED ?? Date.now() % 1_000_000);
const membersMax = 200;

const from = { host: '10.66.0.1', port: 8301 };
const packets = vectors.filter(({ transport }) => transport === 'udp').map(({ hex }) => fromHex(hex));
const streams = vectors.filter(({ transport }) => transport === 'tcp').map(({ hex }) => fromHex(hex));

function mutate(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  const copy = bytes.slice();
  for (let i = random.int(0, 4); i > 0 && copy.length > 0; i--)
    copy[random.int(0, copy.length)] = random.int(0, 256);
  return random.chance(0.2) ? copy.subarray(0, random.int(0, copy.length + 1)) : copy;
}

/** Messages that every decoder takes and that mean harm. */
function wicked(random: SeededRandom): PacketMessage {
  const node = random.pick(['n0', 'n1', 'n2', `ghost ${random.int(0, 5_000)}`]);
  const incarnation = random.pick([0, 1, 2, 50, 0xffff_fffe, 0xffff_ffff]);
  const addr = random.bytes(random.pick([4, 4, 16, 0, 7]));
  const ltime = random.pick([0, 1, 600, 1e9, Number.MAX_SAFE_INTEGER]);
  const port = random.int(0, 65_536);
  const name = random.pick(['deploy', '_serf_conflict', '_serf_list-keys', 'x'.repeat(400)]);
  const source = { sourceAddr: addr, sourcePort: port, sourceNode: node };
  const meta = random.chance(0.5) ? encodeTags(new Map([['id', 'fake']])) : random.bytes(random.int(0, 600));
  const vsn = random.pick([Uint8Array.of(1, 5, 2, 2, 5, 4), new Uint8Array(0), random.bytes(6)]);
  const serf = random.pick([
    { type: 'serf.leave' as const, node, ltime, prune: random.chance(0.5) },
    { type: 'serf.join' as const, node, ltime },
    { type: 'serf.userEvent' as const, name, payload: random.bytes(random.int(0, 1_500)), ltime, cc: false },
    { type: 'serf.queryResponse' as const, ltime, id: 1, from: node, flags: random.int(0, 2), payload: null },
    {
      type: 'serf.relay' as const,
      destAddr: addr,
      destPort: port,
      destZone: '',
      destName: node,
      inner: random.bytes(20),
    },
  ]);
  return random.pick<PacketMessage>([
    { type: 'alive', node, incarnation, addr, port, meta, vsn },
    { type: 'suspect', node, incarnation, from: random.pick(['n1', 'x', node]) },
    { type: 'dead', node, incarnation, from: random.pick(['n1', 'x', node]) },
    { type: 'ping', seqNo: random.int(0, 9), node, ...source },
    { type: 'indirectPing', seqNo: 1, node, target: addr, port, nack: true, ...source },
    { type: 'ackResp', seqNo: random.int(0, 500), payload: random.bytes(130) },
    { type: 'nackResp', seqNo: random.int(0, 500) },
    { type: 'user', payload: encodeSerf(serf) },
  ]);
}

test(`a living core takes ${inputs} hostile inputs, seed ${seed}`, { timeout: 90_000 + 10 * inputs }, () => {
  console.log(`ROLLCALL_FUZZ=${inputs} ROLLCALL_FUZZ_SEED=${seed}`);
  const random = new SeededRandom(seed);
  const scene = new GossipCluster({ seed, config: { membersMax, pushPullIntervalMs: 5_000 } });
  scene.grow(3);
  scene.runFor(2_000);
  const { gossip } = scene.nodes[0]!;
  const opening = { label: noLabel, keys: [], acceptPlain: false };
  const unreadable: string[] = [];
  const send = scene.network.send.bind(scene.network);
  scene.network.send = (source, to, packet) => {
    if (decodePacket(packet, opening).refusals.length > 0) unreadable.push(toHex(packet));
    send(source, to, packet);
  };
  for (let i = 0; i < inputs; i++) {
    const input = random.chance(0.5)
      ? mutate(random.pick(packets), random)
      : encodePacket([encodeMessage(wicked(random))], {
          label: noLabel,
          crc: false,
          compress: false,
          seal: null,
        });
    try {
      if (random.chance(0.2)) {
        const reader = gossip.acceptStream(from);
        if (!reader.receive(mutate(random.pick(streams), random)).done) reader.fail('closed');
      } else gossip.receivePacket(from, input);
      scene.runFor(random.between(0, 4));
    } catch (error) {
      throw new Error(`input ${i} of seed ${seed}: ${toHex(input)}`, { cause: error });
    }
    scene.happenings.length = 0;
  }
  // What a stock agent sends in relays is passed on as it came, readable or not; all else is ours.
  expect(unreadable.filter((hex) => !hex.startsWith('08'))).toEqual([]);
  const stats = gossip.stats();
  expect(stats.members).toBeLessThanOrEqual(membersMax);
  for (const queue of ['queue_news', 'queue_intents', 'queue_events', 'queue_queries']) {
    expect(stats[queue]).toBeLessThanOrEqual(scene.config.queueMax);
  }
  // Those accused at the last incarnation there is cannot object any more; everybody starts anew, as an operator would.
  for (const node of scene.nodes) node.kill();
  for (const node of scene.nodes) node.start();
  for (const node of scene.nodes.slice(1)) node.join(scene.nodes[0]!);
  scene.runFor(10_000);
  for (const node of scene.nodes) expect(node.gossip.aliveCount).toBe(3);
});
