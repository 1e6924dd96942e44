import { expect, test } from 'vitest';
import { GossipCluster, type SimNode } from '../../sim/gossip-cluster.ts';

/** Joins and waits for what comes of it. */
function join(scene: GossipCluster, node: SimNode, ...others: SimNode[]): readonly (string | null)[] {
  let outcome: readonly (string | null)[] = [];
  node.gossip.join(
    others.map(({ endpoint }) => endpoint),
    (failures) => {
      outcome = failures;
    },
  );
  scene.runFor(20_000);
  return outcome;
}

test('a newcomer learns of everybody from one, and everybody learns of it', () => {
  const scene = new GossipCluster({ seed: 'join' });
  scene.grow(6);
  scene.runFor(2_000);
  const newcomer = scene.addNode('newcomer');
  newcomer.start();
  expect(join(scene, newcomer, scene.nodes[2]!)).toEqual([null]);
  expect(newcomer.view().size).toBe(7);
  for (const node of scene.nodes) expect(node.stateOf('newcomer')).toBe('alive');
});

test('each address that does not work says why, and one that does is enough', () => {
  const scene = new GossipCluster({ seed: 'join' });
  const [one, dead, dark] = scene.grow(3);
  dead!.kill();
  scene.network.power(dark!.endpoint.host, false);
  const newcomer = scene.addNode('newcomer');
  newcomer.start();
  expect(join(scene, newcomer, dead!, dark!, newcomer, one!)).toEqual([
    'connection refused: nobody listens there',
    'no answer in time',
    'that is this agent itself',
    null,
  ]);
});

test('who joined late is spared the events of the past, who was only deaf is not', () => {
  const scene = new GossipCluster({ seed: 'join', config: { pushPullIntervalMs: 5_000 } });
  const [one, deaf] = scene.grow(3);
  scene.runFor(2_000);
  for (const other of scene.nodes) scene.network.cut(other.endpoint.host, deaf!.endpoint.host);
  one!.gossip.fireEvent('deploy', new Uint8Array(0), false);
  scene.runFor(3_000);
  scene.network.heal();
  const late = scene.addNode('late');
  late.start();
  join(scene, late, one!);
  const heard = scene.happenings.filter(({ event }) => event.kind === 'user-event').map(({ node }) => node);
  expect(heard.sort()).toEqual(['n0', 'n1', 'n2']);
});

test('a member that was restarted is known again under a greater incarnation', () => {
  const scene = new GossipCluster({ seed: 'join' });
  const [one, victim] = scene.grow(4);
  scene.runFor(2_000);
  victim!.kill();
  victim!.tags = { role: 'changed' };
  victim!.start();
  join(scene, victim!, one!);
  expect(one!.view().get('n1')).toMatchObject({ state: 'alive', incarnation: 2, tags: { role: 'changed' } });
});

test('strangers that cannot be understood are refused as a whole', () => {
  const scene = new GossipCluster({ seed: 'join' });
  const [one] = scene.grow(2);
  scene.runFor(2_000);
  const other = new GossipCluster({ seed: 'sealed', keys: [new Uint8Array(16).fill(1)] });
  const sealed = other.addNode('sealed', '10.9.9.9');
  sealed.start();
  // What a sealed agent would send, put to a plain one.
  const reader = one!.gossip.acceptStream({ host: '10.9.9.9', port: 40_000 });
  const step = reader.receive(Uint8Array.of(10, 0, 0, 0, 30, ...new Uint8Array(30)));
  expect(step.done && step.reply?.[0]).toBe(13);
  expect(one!.gossip.stats()['refused_no-keys']).toBe(1);
});
