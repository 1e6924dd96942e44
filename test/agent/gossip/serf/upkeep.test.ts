import { expect, test } from 'vitest';
import { GossipCluster } from '../../../sim/gossip-cluster.ts';

test('a member that failed is forgotten when its time is over, one that left sooner or later', () => {
  const scene = new GossipCluster({
    seed: 'upkeep',
    config: { reconnectTimeoutMs: 120_000, tombstoneTimeoutMs: 60_000, reconnectIntervalMs: 3_600_000 },
  });
  scene.grow(4);
  scene.runFor(2_000);
  scene.nodes[2]!.kill();
  scene.nodes[3]!.leave();
  scene.runFor(50_000);
  expect(scene.nodes[0]!.stateOf('n2')).toBe('failed');
  expect(scene.nodes[0]!.stateOf('n3')).toBe('left');
  scene.runFor(30_000);
  expect(scene.nodes[0]!.stateOf('n3')).toBeUndefined();
  scene.runFor(60_000);
  expect(scene.nodes[0]!.stateOf('n2')).toBeUndefined();
  expect(scene.whoSaw('reaped', 'n2').sort()).toEqual(['n0', 'n1']);
});

test('islands that have buried each other find together again', () => {
  const scene = new GossipCluster({ seed: 'upkeep' });
  const nodes = scene.grow(8);
  scene.runFor(2_000);
  const hosts = nodes.map(({ endpoint }) => endpoint.host);
  scene.network.partition([hosts.slice(0, 3), hosts.slice(3)]);
  scene.runFor(300_000);
  expect(nodes[0]!.stateOf('n7')).toBe('failed');
  scene.network.heal();
  scene.runFor(60_000);
  for (const node of nodes) expect(node.gossip.aliveCount).toBe(8);
});

test('a member that was said to leave and stays counts as present again', () => {
  const scene = new GossipCluster({ seed: 'upkeep', config: { pushPullIntervalMs: 0 } });
  const [one, slandered] = scene.grow(3);
  scene.runFor(2_000);
  // Cut off from the slander, so that it cannot object.
  scene.network.cut(one!.endpoint.host, slandered!.endpoint.host);
  scene.network.cut(scene.nodes[2]!.endpoint.host, slandered!.endpoint.host);
  one!.gossip.forceLeave('n1', false);
  scene.runFor(400);
  expect(one!.stateOf('n1')).toBe('leaving');
  scene.network.heal();
  scene.runFor(60_000);
  expect(one!.stateOf('n1')).toBe('alive');
});
