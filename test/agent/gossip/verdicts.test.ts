import { expect, test, vi } from 'vitest';
import type { GossipConfig } from '../../../agent/gossip/config.ts';
import type { Dossier } from '../../../agent/gossip/membership.ts';
import { GossipCluster } from '../../sim/gossip-cluster.ts';

function cluster(count: number, config: Partial<GossipConfig> = {}) {
  const scene = new GossipCluster({ seed: 'verdicts', config });
  scene.grow(count);
  scene.runFor(5_000);
  return scene;
}

const dossiersAbout = (scene: GossipCluster, name: string): Dossier[] =>
  scene.happenings.flatMap(({ event }) =>
    event.kind === 'change' && event.change.member.name === name && event.change.dossier !== null
      ? [event.change.dossier]
      : [],
  );

test('a process that is gone is found within two and a half seconds, by two witnesses', () => {
  const scene = cluster(8);
  const victim = scene.nodes[3]!;
  const killedMs = scene.clock.nowMs();
  victim.kill();
  scene.runFor(6_000);
  const verdicts = scene.happenings.filter(
    ({ event }) => event.kind === 'change' && event.change.kind === 'failed',
  );
  expect(verdicts.length).toBe(7);
  expect(verdicts[0]!.atMs - killedMs).toBeLessThan(2_500);
  const [dossier] = dossiersAbout(scene, victim.name);
  expect(dossier).toMatchObject({ node: victim.name, reason: 'refused', lastProbe: { tcp: 'refused' } });
});

/** A firewall that swallows TCP. */
function swallowStreams(scene: GossipCluster): void {
  vi.spyOn(scene.network, 'exchange').mockImplementation((_from, _to, _request, timeoutMs, reader) => {
    scene.clock.after(timeoutMs, () => reader?.fail('timeout'));
  });
}

test('where TCP is swallowed, ICMP alone tells within four seconds that a process is gone', () => {
  const scene = cluster(8);
  const victim = scene.nodes[3]!;
  swallowStreams(scene);
  const killedMs = scene.clock.nowMs();
  victim.kill();
  scene.runFor(8_000);
  const verdicts = scene.happenings.filter(
    ({ event }) => event.kind === 'change' && event.change.kind === 'failed',
  );
  expect(verdicts.length).toBe(7);
  expect(verdicts[0]!.atMs - killedMs).toBeLessThan(4_000);
  const [dossier] = dossiersAbout(scene, victim.name);
  expect(dossier).toMatchObject({ reason: 'refused', lastProbe: { tcp: 'silence', udp: 'unreachable' } });
});

test('a restart within a second raises no event there either', () => {
  const scene = cluster(8);
  swallowStreams(scene);
  for (const victim of scene.nodes.slice(1, 6)) {
    victim.kill();
    scene.runFor(950);
    victim.start({ known: scene.nodes.map((node) => scene.records.intern(node.announcement())!) });
    scene.runFor(4_000);
    expect(scene.whoSaw('failed', victim.name)).toEqual([]);
  }
});

test('errors that somebody forges at every member bring nobody down faster who stands still', () => {
  const scene = cluster(8);
  vi.spyOn(scene.network, 'knock').mockImplementation((_from, _to, _packet, _forMs, onEcho) => {
    scene.clock.after(1, () => onEcho('unreachable'));
  });
  const victim = scene.nodes[3]!;
  victim.pause();
  scene.runFor(4_000);
  expect(scene.whoSaw('failed', victim.name)).toEqual([]);
  victim.resume();
  scene.runFor(30_000);
  expect(
    scene.happenings.some(({ event }) => event.kind === 'change' && event.change.kind === 'failed'),
  ).toBe(false);
  expect(scene.nodes[0]!.gossip.stats().refusals).toBeUndefined();
});

test('a restart that takes less than a second raises no event', () => {
  const scene = cluster(8);
  for (const [index, victim] of [...scene.nodes.slice(1), ...scene.nodes.slice(1)].entries()) {
    scene.runFor(index * 67);
    victim.kill();
    scene.runFor(995);
    victim.start();
    victim.join(scene.nodes[0]!);
    scene.runFor(4_000);
    expect(scene.whoSaw('failed', victim.name)).toEqual([]);
  }
});

test('a silent host is failed after the time of a suspicion, not before', () => {
  const scene = cluster(8);
  const victim = scene.nodes[3]!;
  const darkMs = scene.clock.nowMs();
  scene.network.power(victim.endpoint.host, false);
  scene.runFor(30_000);
  const verdict = scene.happenings.find(
    ({ event, node }) => event.kind === 'change' && event.change.kind === 'failed' && node !== victim.name,
  );
  expect(verdict!.atMs - darkMs).toBeGreaterThan(4_000);
  expect(dossiersAbout(scene, victim.name)[0]).toMatchObject({ reason: 'silence' });
});

test('a suspect that answers the last look is not condemned, and gets to hear why', () => {
  const scene = cluster(8);
  const accuser = scene.nodes[1]!;
  // Nobody hears its accusations, the accused neither.
  for (const other of scene.nodes) {
    if (other !== accuser) scene.network.cut(accuser.endpoint.host, other.endpoint.host);
  }
  scene.runFor(8_000);
  const accused = scene.nodes.filter(({ name }) => accuser.stateOf(name) === 'suspect');
  expect(accused.length).toBeGreaterThan(0);
  scene.network.heal();
  scene.runFor(60_000);
  for (const { name } of accused) expect(accuser.stateOf(name)).toBe('alive');
  const wrong = scene.happenings.filter(
    ({ event, memberRan, node }) =>
      event.kind === 'change' && event.change.kind === 'failed' && memberRan && node === accuser.name,
  );
  expect(wrong).toEqual([]);
});

test('without a last look the verdict falls when the time is up', () => {
  const scene = cluster(8, { lastLook: false });
  const victim = scene.nodes[3]!;
  scene.network.power(victim.endpoint.host, false);
  scene.runFor(30_000);
  const [dossier] = dossiersAbout(scene, victim.name);
  expect(dossier).toMatchObject({ reason: 'silence', lastProbe: null });
});

test('who hears nobody condemns nobody, until it has waited long enough', () => {
  const scene = cluster(8);
  const deaf = scene.nodes[1]!;
  for (const other of scene.nodes) {
    if (other !== deaf) scene.network.cut(other.endpoint.host, deaf.endpoint.host);
  }
  scene.runFor(40_000);
  const verdicts = () =>
    scene.happenings.filter(
      ({ event, node }) => event.kind === 'change' && event.change.kind === 'failed' && node === deaf.name,
    );
  expect(verdicts()).toEqual([]);
  expect(deaf.gossip.stats().verdicts_postponed).toBeGreaterThan(0);
  scene.runFor(120_000);
  expect(verdicts().length).toBeGreaterThan(0);
});

test('two alone have no second witness, and wait the full time', () => {
  const scene = cluster(2);
  const [one, other] = scene.nodes;
  const killedMs = scene.clock.nowMs();
  other!.kill();
  scene.runFor(4_000);
  expect(one!.stateOf(other!.name)).toBe('suspect');
  scene.runFor(3_000);
  expect(one!.stateOf(other!.name)).toBe('failed');
  expect(scene.clock.nowMs() - killedMs).toBe(7_000);
});
