/**
 * How fast news spreads: a user event of 64 bytes is fired at one of 32 members, and the clock runs from the moment that member
 * says it has it until all others do. Ours are lean processes that run the gossip of an agent in its thread and nothing
 * else (`gossip-member.ts`); the peer is stock `serf agent`. Both clusters run all the time, the rounds alternate. Printed
 * are, over all rounds, the median member and the last member.
 *
 *     npm run build && node dist/test/bench/user-events.js [rounds = 30] [members = 32]
 *
 * On two processors that twenty other processes wanted as well (2026-11-22, Node 20, Serf 0.9.4): the median member after 20 ms
 * beside 241, which is 0.08 of Serf's; the last one after 216 beside 489, which is 0.44.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { machineLine, median, ratioLine, spread } from './figures.ts';
import { GossipCluster } from './gossip-cluster.ts';

const medianAtMost = 0.4;
const lastAtMost = 0.6;
const patienceMs = 30_000;

const rounds = Number(process.argv[2] ?? 30);
const size = Number(process.argv[3] ?? 32);

/** Times at which the others had it, counted from the one that fired it. */
async function spreadEvent(cluster: GossipCluster, name: string, round: number): Promise<number[]> {
  await pause(500 + Math.random() * 1_000);
  const origin = cluster.members[round % size]!;
  const heardMs = new Map<string, number>();
  await new Promise<void>((resolve, reject) => {
    const impatient = setTimeout(
      () => reject(new Error(`${name} reached ${heardMs.size} members`)),
      patienceMs,
    );
    const unsubscribe = cluster.onNews(({ kind, subject, atMs }, from) => {
      if (kind !== 'event' || subject !== name) return;
      heardMs.set(from.name, atMs);
      if (heardMs.size < size) return;
      clearTimeout(impatient);
      unsubscribe();
      resolve();
    });
    origin.fireEvent(name).catch(reject);
  });
  const startMs = heardMs.get(origin.name)!;
  heardMs.delete(origin.name);
  return [...heardMs.values()].map((atMs) => atMs - startMs);
}

const clusters: GossipCluster[] = [];
try {
  for (const [make, net] of [['rollcall', 43] as const, ['serf', 44] as const]) {
    clusters.push(await GossipCluster.start(make, net, size));
  }
  console.log(`${size} members each; ${machineLine()}`);
  const medians = new Map<string, number[]>(clusters.map(({ make }) => [make, []]));
  const lasts = new Map<string, number[]>(clusters.map(({ make }) => [make, []]));
  for (let round = 0; round < rounds; round++) {
    for (const cluster of clusters) {
      const timesMs = await spreadEvent(cluster, `news-${round}`, round);
      medians.get(cluster.make)!.push(median(timesMs));
      lasts.get(cluster.make)!.push(Math.max(...timesMs));
    }
  }
  for (const { make } of clusters) {
    console.log(`${make}: median member ${spread(medians.get(make)!, 'ms')}`);
    console.log(`${make}: last member ${spread(lasts.get(make)!, 'ms')}`);
  }
  const [ourMedian, serfMedian] = [...medians.values()].map(median);
  const [ourLast, serfLast] = [...lasts.values()].map(median);
  console.log(ratioLine('a user event reaches the median member', ourMedian!, serfMedian!, medianAtMost));
  console.log(ratioLine('a user event reaches the last member', ourLast!, serfLast!, lastAtMost));
} finally {
  await Promise.all(clusters.map((cluster) => cluster.stop()));
}
