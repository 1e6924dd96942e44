import { expect, test } from 'vitest';
import { Gossip } from '../../../agent/gossip/gossip.ts';
import { Keyring } from '../../../agent/gossip/keyring.ts';
import type { QueryResult } from '../../../agent/gossip/membership.ts';
import { GossipCluster } from '../../sim/gossip-cluster.ts';
import { SeededRandom } from '../../sim/random.ts';

function cluster(count: number, options: { keys?: readonly Uint8Array[] } = {}) {
  const scene = new GossipCluster({ seed: 'gossip', ...options });
  scene.grow(count);
  scene.runFor(3_000);
  return scene;
}

test('a goodbye takes two seconds, and everybody sees a member that left', () => {
  const scene = cluster(6);
  const [, leaver] = scene.nodes;
  leaver!.leave();
  leaver!.leave();
  scene.runFor(3_000);
  expect(leaver!.up).toBe(false);
  for (const node of scene.nodes) if (node !== leaver) expect(node.stateOf('n1')).toBe('left');
  expect(scene.whoSaw('failed', 'n1')).toEqual([]);
});

test.each([0, 400, 1_500, 5_000])(
  'the only one that lives hears a goodbye, %i ms after all others have died',
  (afterMs) => {
    for (let seed = 0; seed < 6; seed++) {
      const scene = new GossipCluster({ seed });
      const [survivor, leaver, earlier, ...others] = scene.grow(8);
      scene.runFor(5_000);
      earlier!.leave();
      scene.runFor(4_000);
      for (const other of others) {
        scene.network.power(other.endpoint.host, false);
        other.kill();
      }
      scene.runFor(afterMs);
      leaver!.leave();
      scene.runFor(12_000);
      expect(survivor!.stateOf(leaver!.name), `seed ${seed}`).toBe('left');
      expect(scene.whoSaw('failed', leaver!.name)).not.toContain(survivor!.name);
    }
  },
);

test('one that is suspected only still hears a goodbye', () => {
  const scene = new GossipCluster({ seed: 'suspect' });
  const [survivor, leaver] = scene.grow(2);
  scene.runFor(5_000);
  survivor!.pause();
  while (leaver!.stateOf(survivor!.name) !== 'suspect') scene.runFor(10);
  leaver!.leave();
  survivor!.resume();
  scene.runFor(10_000);
  expect(survivor!.stateOf(leaver!.name)).toBe('left');
});

test('one that is alone leaves at once', () => {
  const scene = cluster(1);
  scene.nodes[0]!.leave();
  scene.runFor(1);
  expect(scene.nodes[0]!.up).toBe(false);
});

test('tags reach everybody, and their owner knows when', () => {
  const scene = cluster(6);
  let told = false;
  scene.nodes[0]!.gossip.setTags({ role: 'web' }, () => {
    told = true;
  });
  scene.runFor(2_000);
  expect(told).toBe(true);
  for (const node of scene.nodes) expect(node.view().get('n0')?.tags).toEqual({ role: 'web' });
  expect(() => scene.nodes[0]!.gossip.setTags({ big: 'x'.repeat(600) }, () => {})).toThrow('at most 512');
});

test('a user event is delivered everywhere, once', () => {
  const scene = cluster(20);
  scene.network.weather = { ...scene.network.weather, lossShare: 0.1, duplicateShare: 0.3 };
  scene.nodes[3]!.gossip.fireEvent('deploy', Buffer.from('v1'), false);
  scene.runFor(3_000);
  const heard = scene.happenings.filter(({ event }) => event.kind === 'user-event').map(({ node }) => node);
  expect(heard.sort()).toEqual(scene.nodes.map(({ name }) => name).sort());
});

test('a query is acked by those it is meant for and answered by whoever has an answer', () => {
  const scene = cluster(6);
  let result: QueryResult | null = null;
  const request = {
    name: 'load',
    payload: new Uint8Array(0),
    nodes: ['n1', 'n2'],
    tags: {},
    ack: true,
    relayFactor: 1,
    timeoutMs: 0,
  };
  scene.nodes[0]!.gossip.query(request, {
    onDone: (outcome) => {
      result = outcome;
    },
  });
  scene.runFor(500);
  for (const { event, node } of scene.happenings) {
    if (event.kind === 'query' && node === 'n2') event.respond(Buffer.from('0.5'));
  }
  scene.runFor(5_000);
  expect(result).toEqual({
    acks: expect.arrayContaining(['n1', 'n2']),
    answers: [{ from: 'n2', payload: expect.anything() }],
  });
});

test('force-leave turns a failed member into one that left, everywhere; prune forgets it', () => {
  const scene = cluster(6);
  scene.nodes[4]!.kill();
  scene.nodes[5]!.kill();
  scene.runFor(10_000);
  const [operator] = scene.nodes;
  expect(operator!.gossip.forceLeave('n4', false)).toBe(true);
  expect(operator!.gossip.forceLeave('n5', true)).toBe(true);
  expect(operator!.gossip.forceLeave('nobody', false)).toBe(false);
  scene.runFor(2_000);
  for (const node of scene.nodes.slice(0, 4)) {
    expect(node.stateOf('n4')).toBe('left');
    expect(node.stateOf('n5')).toBeUndefined();
  }
  expect(scene.whoSaw('left', 'n4')).toHaveLength(4);
  expect(scene.whoSaw('reaped', 'n5')).toHaveLength(4);
});

test('a key is rotated while everything goes on', () => {
  const [old, next] = [new Uint8Array(16).fill(1), new Uint8Array(32).fill(2)];
  const scene = cluster(6, { keys: [old] });
  const step = (operation: 'install' | 'use' | 'remove' | 'list', key: Uint8Array) => {
    let report: unknown;
    scene.nodes[0]!.gossip.keys(operation, key, (outcome) => {
      report = outcome;
    });
    scene.runFor(5_000);
    return report;
  };
  const done = { members: 6, succeeded: 6, failures: {}, silent: [] };
  expect(step('install', next)).toMatchObject(done);
  expect(step('use', next)).toMatchObject(done);
  expect(step('remove', old)).toMatchObject(done);
  expect(step('list', new Uint8Array(0))).toMatchObject({
    primaryKeys: { [Buffer.from(next).toString('base64')]: 6 },
  });
  expect(Object.keys((step('remove', next) as { failures: object }).failures)).toHaveLength(6);
  for (const node of scene.nodes) expect(node.gossip.aliveCount).toBe(6);
});

test('two clusters with different labels do not hear each other', () => {
  const scene = new GossipCluster({ seed: 'labels' });
  const [plain] = scene.grow(1);
  const packets: Uint8Array[] = [];
  const labelled = new Gossip({
    name: 'other',
    advertise: { host: '10.8.8.8', port: 8301 },
    tags: {},
    config: scene.config,
    label: 'blue',
    keyring: new Keyring([]),
    clock: scene.clock,
    random: new SeededRandom('label'),
    send: (_, packet) => packets.push(packet),
    streams: { exchange: (_to, request) => packets.push(request) },
    knock: () => {},
    onEvent: () => {},
  });
  labelled.start();
  labelled.join([plain!.endpoint], () => {});
  const reader = plain!.gossip.acceptStream({ host: '10.8.8.8', port: 1 });
  expect(reader.receive(packets[0]!)).toEqual({ done: true, reply: null });
  expect(plain!.gossip.stats()['refused_bad-label']).toBe(1);
  labelled.stop();
});

test('clocks of the last life are taken up, and what was heard then is not heard again', () => {
  const scene = new GossipCluster({ seed: 'restored', config: { pushPullIntervalMs: 2_000 } });
  const [one, other] = scene.grow(2);
  scene.runFor(1_000);
  one!.gossip.fireEvent('first', new Uint8Array(0), false);
  scene.runFor(1_000);
  const clocks = other!.gossip.clocks();
  expect(clocks).toMatchObject({ event: 1 });
  other!.kill();
  other!.start({ restored: clocks });
  other!.join(one!);
  scene.runFor(10_000);
  const heard = scene.happenings.filter(({ event, node }) => node === 'n1' && event.kind === 'user-event');
  expect(heard).toHaveLength(1);
  expect(other!.gossip.clocks().event).toBeGreaterThanOrEqual(1);
});

test('a core that was told to stop does nothing more', () => {
  const scene = cluster(3);
  const { gossip } = scene.nodes[0]!;
  gossip.stop();
  const before = scene.happenings.filter(({ node }) => node === 'n0').length;
  scene.nodes[1]!.kill();
  scene.runFor(20_000);
  expect(scene.happenings.filter(({ node }) => node === 'n0')).toHaveLength(before);
});

test('agents that stood still for ten seconds accuse nobody when they go on', () => {
  const scene = cluster(20);
  const sleepers = scene.nodes.slice(3, 8);
  for (const node of sleepers) node.pause();
  scene.runFor(10_000);
  for (const node of sleepers) node.resume();
  const resumedMs = scene.clock.nowMs();
  scene.runFor(60_000);
  const failures = scene.happenings.flatMap(({ atMs, event }) =>
    event.kind === 'change' && event.change.kind === 'failed' ? [{ atMs, ...event.change }] : [],
  );
  // What the others found out in the meantime was true and is still heard; nobody who was awake is ever accused.
  const awake = failures.filter(({ member }) => sleepers.every(({ name }) => name !== member.name));
  const verdictsSince = failures.filter(({ atMs, dossier }) => atMs >= resumedMs && dossier !== null);
  expect([awake, verdictsSince]).toEqual([[], []]);
  const stalls = scene.happenings.filter(({ event }) => event.kind === 'stall').map(({ node }) => node);
  expect([...new Set(stalls)].sort()).toEqual(sleepers.map(({ name }) => name).sort());
  for (const node of scene.nodes) expect(node.gossip.aliveCount).toBe(20);
});
