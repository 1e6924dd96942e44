import { expect, test } from 'vitest';
import { GossipCluster } from '../../sim/gossip-cluster.ts';

function cluster() {
  const scene = new GossipCluster({ seed: 'names' });
  scene.grow(5);
  scene.runFor(2_000);
  return scene;
}

/** Another agent under a name that is in use, on a host of its own. */
function claim(scene: GossipCluster, name: string, id: string) {
  const holder = scene.find(name)!;
  const claimant = scene.addNode(name, '10.99.0.1');
  claimant.id = id;
  claimant.start();
  let failures: readonly (string | null)[] = [];
  claimant.gossip.join([scene.nodes[0]!.endpoint], (outcome) => {
    failures = outcome;
  });
  return { holder, claimant, outcome: () => failures };
}

test('a name that belongs to a living member is refused to another agent, and nobody else is confused', () => {
  const scene = cluster();
  const { claimant, holder, outcome } = claim(scene, 'n3', 'another-id');
  scene.runFor(3_000);
  expect(outcome()).toEqual([
    `the node name "n3" is taken by a living member at ${holder.endpoint.host}:8301`,
  ]);
  const taken = scene.happenings.filter(({ event }) => event.kind === 'name-taken');
  expect(taken).toHaveLength(1);
  claimant.gossip.stop();
  claimant.kill();
  scene.runFor(20_000);
  expect(scene.nodes[0]!.view().get('n3')?.address.host).toBe(holder.endpoint.host);
  expect(scene.whoSaw('failed', 'n3')).toEqual([]);
});

test('the same agent takes its name along to another address, within a second of a kill -9', () => {
  const scene = cluster();
  const holder = scene.find('n3')!;
  holder.kill();
  scene.runFor(500);
  const { outcome } = claim(scene, 'n3', 'id-of-n3');
  scene.runFor(1_000);
  expect(outcome()).toEqual([null]);
  for (const node of scene.nodes.slice(0, 3)) {
    expect(node.view().get('n3')).toMatchObject({ state: 'alive', address: { host: '10.99.0.1' } });
  }
});

test('another agent takes over from one that is gone, as soon as the others have noticed', () => {
  const scene = cluster();
  scene.find('n3')!.kill();
  scene.runFor(300);
  const { outcome } = claim(scene, 'n3', 'another-id');
  scene.runFor(15_000);
  expect(outcome()).toEqual([null]);
  for (const node of scene.nodes.slice(0, 3)) {
    expect(node.view().get('n3')).toMatchObject({ state: 'alive', address: { host: '10.99.0.1' } });
  }
});

test('a name whose holder has left is free', () => {
  const scene = cluster();
  scene.find('n3')!.leave();
  scene.runFor(5_000);
  const { outcome } = claim(scene, 'n3', 'another-id');
  scene.runFor(3_000);
  expect(outcome()).toEqual([null]);
  expect(scene.nodes[1]!.view().get('n3')?.address.host).toBe('10.99.0.1');
});
