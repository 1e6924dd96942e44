/** What one more member costs one core, beyond the record that all cores of a simulation share. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { Coordinates } from '../../agent/gossip/serf/coordinates.ts';
import { GossipCluster } from './gossip-cluster.ts';

const bytesAtMost = 64;
const cores = 8;

/** Bytes that are really in use: nothing that only waits to be collected. */
function bytesInUse(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // What finalizers give back is only free after the next one.
  collect();
  collect();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** What some cores hold that have known so many members for long; how far away each is they have learned as well. */
function bytesOfCores(members: number): number {
  const scene = new GossipCluster({ seed: 'memory' });
  const nodes = Array.from({ length: members }, () => scene.addNode());
  const known = nodes.map((node) => scene.records.intern(node.announcement())!);
  const before = bytesInUse();
  const distances = nodes.slice(0, cores).map((node) => {
    node.start({ known });
    const coordinates = new Coordinates(scene.random);
    const payload = coordinates.payload();
    for (const { number } of known) coordinates.learn(number, 1, payload);
    return coordinates;
  });
  const bytes = bytesInUse() - before;
  // Whatever nobody needs any more would not have been counted.
  expect(distances.length + scene.nodes[0]!.gossip.aliveCount).toBe(cores + members);
  return bytes;
}

test('a member costs at most 64 bytes', () => {
  bytesOfCores(100);
  const [few, many] = [1_000, 21_000];
  const bytes = (bytesOfCores(many) - bytesOfCores(few)) / (cores * (many - few));
  expect(bytes).toBeGreaterThan(25);
  expect(bytes).toBeLessThanOrEqual(bytesAtMost);
});
