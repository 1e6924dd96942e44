import { expect, test } from 'vitest';
import { GossipCluster } from '../../sim/gossip-cluster.ts';

function quiet(count: number) {
  const scene = new GossipCluster({ seed: 'kin' });
  scene.grow(count);
  scene.runFor(60_000);
  return scene;
}

const sum = (scene: GossipCluster, name: string) =>
  scene.nodes.reduce((total, node) => total + (node.gossip.stats()[name] ?? 0), 0);

test('in a quiet cluster members compare a digest and are done', () => {
  const scene = quiet(20);
  const before = {
    digests: sum(scene, 'digests'),
    different: sum(scene, 'digests_different'),
    full: sum(scene, 'push_pulls'),
  };
  const bytes = scene.network.counters.exchangeBytes;
  scene.runFor(120_000);
  const exchanges = sum(scene, 'digests') - before.digests;
  expect(exchanges).toBeGreaterThanOrEqual(60);
  expect(sum(scene, 'digests_different')).toBe(before.different);
  expect(sum(scene, 'push_pulls')).toBe(before.full);
  expect((scene.network.counters.exchangeBytes - bytes) / exchanges).toBeLessThan(250);
});

test('what one has missed it gets from the other, and only that', () => {
  const scene = quiet(40);
  const [deaf] = scene.nodes;
  for (const other of scene.nodes) {
    if (other !== deaf) scene.network.cut(other.endpoint.host, deaf!.endpoint.host);
  }
  scene.nodes[5]!.gossip.fireEvent('deploy', Buffer.from('v7'), false);
  scene.nodes[6]!.gossip.setTags({ role: 'changed', [scene.config.kinTag]: '1' }, () => {});
  scene.runFor(3_000);
  scene.network.heal();
  const heard = () =>
    scene.happenings.some(({ event, node }) => node === deaf!.name && event.kind === 'user-event');
  expect(heard()).toBe(false);
  const bytes = scene.network.counters.exchangeBytes;
  const exchanges = scene.network.counters.exchanges;
  scene.runFor(150_000);
  expect(heard()).toBe(true);
  expect(deaf!.view().get('n6')?.tags.role).toBe('changed');
  const perExchange =
    (scene.network.counters.exchangeBytes - bytes) / (scene.network.counters.exchanges - exchanges);
  // A full table of forty is ten times that.
  expect(perExchange).toBeLessThan(800);
});

test('one that carries our tag but does not understand us gets a full exchange', () => {
  const scene = new GossipCluster({ seed: 'kin', config: { pushPullIntervalMs: 2_000 } });
  const [one, other] = scene.grow(2);
  scene.runFor(1_000);
  // From now on the other one hangs up on everything but full exchanges.
  const { gossip } = other!;
  const accept = gossip.acceptStream.bind(gossip);
  gossip.acceptStream = (from) => {
    const reader = accept(from);
    return {
      receive: (bytes) => (bytes.includes(0xe7) ? { done: true, reply: null } : reader.receive(bytes)),
      fail: (reason) => reader.fail(reason),
    };
  };
  const before = one!.gossip.stats().push_pulls ?? 0;
  scene.runFor(10_000);
  expect(one!.gossip.stats().push_pulls).toBeGreaterThan(before);
});
