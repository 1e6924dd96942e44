/**
 * How long until somebody knows: one member of 32 is killed (SIGKILL), or falls silent while its host answers (SIGSTOP), and
 * the clock runs until the first of the others holds it for failed. Ours are lean processes that run the gossip of an agent
 * in its thread and nothing else (`gossip-member.ts`); the peer is stock `serf agent` (its line `EventMemberFailed`, which
 * comes before its event handlers). Both clusters run all the time, the rounds alternate. A verdict about anybody but the victim
 * is a false one.
 *
 *     npm run build && node dist/test/bench/detection.js [rounds = 9] [members = 32]
 *
 * On two busy processors (2026-11-22, Node 20, Serf 0.9.4): SIGKILL 1,767 ms beside 7,737, which is 0.23 of Serf's; SIGSTOP
 * 8,017 ms beside 7,531, which is 1.06, and 1.00 and 0.95 in two other runs; no false verdicts on either side. When the
 * victim is asked first is luck, a second on average, so fewer rounds than nine may give any ratio up to 0.45.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { machineLine, median, ratioLine, spread } from './figures.ts';
import { GossipCluster } from './gossip-cluster.ts';

const silentAtMost = 1.1;
const killedAtMost = 0.3;
/** Longer than a probe interval, so that the next round begins in a quiet cluster at a random point of it. */
const restMs = 2_000;
const patienceMs = 60_000;

const rounds = Number(process.argv[2] ?? 9);
const size = Number(process.argv[3] ?? 32);

/** Time until the first of the others holds the last member for failed. */
async function detect(cluster: GossipCluster, signal: 'SIGKILL' | 'SIGSTOP'): Promise<number> {
  const victim = cluster.members.at(-1)!;
  await pause(restMs + Math.random() * 1_000);
  const tookMs = await new Promise<number>((resolve, reject) => {
    const impatient = setTimeout(() => reject(new Error(`${victim.name} is not missed`)), patienceMs);
    const startMs = performance.now();
    victim.signal(signal);
    const unsubscribe = cluster.onNews(({ kind, subject, atMs }, from) => {
      if (kind !== 'failed' || subject !== victim.name || from === victim) return;
      clearTimeout(impatient);
      unsubscribe();
      resolve(atMs - startMs);
    });
  });
  // All should know, or the news of the return could overtake that of the failure.
  await pause(restMs);
  if (signal === 'SIGSTOP') victim.signal('SIGCONT');
  else {
    await victim.kill();
    await victim.start(cluster.members[0]!);
  }
  await cluster.whole();
  return tookMs;
}

const clusters: GossipCluster[] = [];
const falseVerdicts = new Map<string, number>();
try {
  for (const [make, net] of [['rollcall', 41] as const, ['serf', 42] as const]) {
    const cluster = await GossipCluster.start(make, net, size);
    clusters.push(cluster);
    falseVerdicts.set(make, 0);
    cluster.onNews(({ kind, subject }) => {
      if (kind !== 'failed' || subject === cluster.members.at(-1)!.name) return;
      falseVerdicts.set(make, falseVerdicts.get(make)! + 1);
    });
  }
  console.log(`${size} members each; ${machineLine()}`);
  for (const [signal, atMost] of [
    ['SIGKILL', killedAtMost],
    ['SIGSTOP', silentAtMost],
  ] as const) {
    const times = new Map<string, number[]>(clusters.map(({ make }) => [make, []]));
    for (let round = 0; round < rounds; round++) {
      for (const cluster of clusters) times.get(cluster.make)!.push(await detect(cluster, signal));
    }
    for (const [make, ms] of times) console.log(`${signal}, ${make}: ${spread(ms, 'ms')}`);
    const [ours, serfs] = [...times.values()].map(median);
    console.log(ratioLine(`${signal} → the first peer knows`, ours!, serfs!, atMost));
  }
  for (const [make, count] of falseVerdicts) console.log(`false verdicts, ${make}: ${count}`);
  console.log(machineLine());
} finally {
  await Promise.all(clusters.map((cluster) => cluster.stop()));
}
