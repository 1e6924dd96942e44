import { expect, test } from 'vitest';
import type { KeyReport } from '../../../../agent/gossip/serf/keys.ts';
import { GossipCluster } from '../../../sim/gossip-cluster.ts';

const key = new Uint8Array(16).fill(1);
const other = new Uint8Array(16).fill(2);

function cluster() {
  const scene = new GossipCluster({ seed: 'keys', keys: [key] });
  scene.grow(5);
  scene.runFor(2_000);
  const ask = (operation: 'install' | 'list', raw: Uint8Array) => {
    const reports: KeyReport[] = [];
    scene.nodes[0]!.gossip.keys(operation, raw, (report) => reports.push(report));
    return { reports, started: scene.clock.nowMs() };
  };
  return { scene, ask };
}

test('a step is over as soon as everybody has answered', () => {
  const { scene, ask } = cluster();
  const { reports } = ask('install', other);
  scene.runFor(1_000);
  expect(reports).toMatchObject([{ members: 5, succeeded: 5, failures: {}, silent: [] }]);
});

test('who says nothing in time is named', () => {
  const { scene, ask } = cluster();
  scene.network.power(scene.nodes[3]!.endpoint.host, false);
  const { reports } = ask('install', other);
  scene.runFor(5_000);
  expect(reports).toMatchObject([{ members: 5, succeeded: 4, silent: ['n3'] }]);
});

test('a list counts who has which key, and who seals with it', () => {
  const { scene, ask } = cluster();
  ask('install', other);
  scene.runFor(1_000);
  const { reports } = ask('list', new Uint8Array(0));
  scene.runFor(1_000);
  const base64 = (raw: Uint8Array) => Buffer.from(raw).toString('base64');
  expect(reports).toMatchObject([
    { keys: { [base64(key)]: 5, [base64(other)]: 5 }, primaryKeys: { [base64(key)]: 5 } },
  ]);
});
