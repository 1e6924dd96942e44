/**
 * A thousand transitions a second, from the journals of 50 agents to 100 listeners, while the leader is killed twice:
 * nothing may be lost, doubled or out of order. Ends with exit code 1 when something was.
 *
 *     npm run build && node dist/test/bench/transitions.js [seconds = 60] [a second = 1000] [agents = 50] [listeners = 100] [kills = 2] [net = 50]
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cpuMs, machineLine, quantile } from './figures.ts';
import { until } from './program.ts';
import { ServerFleet } from './server-fleet.ts';
import type { ListenNews, ListenOrder } from './transition-listeners.ts';
import type { LoadNews, LoadOrder } from './transition-load.ts';

const serverPort = 8300;
/** A killed leader comes back after this. */
const downMs = 3_000;
const patienceMs = 120_000;

const [seconds = 60, perSecond = 1_000, agents = 50, listeners = 100, kills = 2, net = 50] = process.argv
  .slice(2)
  .map(Number);

function start(file: string): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)));
}

async function newsOf(child: ChildProcess): Promise<ListenNews> {
  const answer = once(child, 'message');
  child.send('news');
  return (await answer)[0] as ListenNews;
}

/** Resolves when the load says so; what it says before is kept. */
function follow(child: ChildProcess) {
  const heard: LoadNews[] = [];
  child.on('message', (news: LoadNews) => heard.push(news));
  return <T extends LoadNews>(what: string, isIt: (news: LoadNews) => news is T) =>
    until(what, async () => heard.find(isIt), seconds * 1_000 + patienceMs);
}

/** Kills the leader at equal distances, and lets it come back. */
async function killLeaders(fleet: ServerFleet): Promise<void> {
  for (let kill = 1; kill <= kills; kill++) {
    await pause((seconds * 1_000) / (kills + 1));
    const leader = await fleet.leader();
    await leader.kill();
    console.log(`killed the leader, ${leader.name}`);
    await pause(downMs);
    leader.restart();
  }
}

const fleet = await ServerFleet.start(net, 3);
const load = start('./transition-load.js');
const audience = start('./transition-listeners.js');
try {
  const urls = fleet.servers.map(({ url }) => url);
  const servers = fleet.servers.map(({ address }) => ({ host: address, port: serverPort }));
  const heard = follow(load);
  load.send({ servers, agents, perSecond, seconds } satisfies LoadOrder);
  audience.send({ urls, listeners } satisfies ListenOrder);
  await heard('the agents are connected', (news) => news === 'ready');
  console.log(`${agents} agents, ${listeners} listeners, ${perSecond} transitions a second for ${seconds} s`);
  console.log(machineLine());
  const startMs = performance.now();
  await killLeaders(fleet);
  const { recorded } = await heard('all is recorded', (news) => typeof news === 'object');
  await heard('all is delivered', (news) => news === 'delivered');
  const tookMs = performance.now() - startMs;
  const leader = await fleet.leader();
  const last = await until('the end of the log', async () => {
    const answer = await fetch(`${leader.url}/v1/events?limit=1`);
    return answer.ok ? Number(answer.headers.get('x-rollcall-offset')) : undefined;
  });
  const news = await until(
    `all have heard event ${last}`,
    async () => {
      const now = await newsOf(audience);
      return now.reached >= last ? now : undefined;
    },
    patienceMs,
  );
  const count = Object.values(recorded).reduce((sum, each) => sum + each, 0);
  const missing = Object.entries(recorded).reduce(
    (sum, [node, each]) => sum + each - (news.heard[node] ?? 0),
    0,
  );
  const { doubled, early, resumed, delaysMs } = news;
  const lost = news.lost + missing;
  const [p50, p99, slowest] = [0.5, 0.99, 1].map((part) => quantile(delaysMs, part).toFixed(0));
  console.log(
    `${count} transitions in ${(tookMs / 1_000).toFixed(1)} s, ${last} events, ${resumed} streams resumed`,
  );
  console.log(
    `change → first listener: p50 ${p50} ms, p99 ${p99} ms, slowest ${slowest} ms (with the elections)`,
  );
  const cpu = [load, audience].map(({ pid }) => (cpuMs(pid!) / 1_000).toFixed(1));
  console.log(`processor time of the load ${cpu[0]} s, of the listeners ${cpu[1]} s`);
  console.log(`${lost} lost, ${doubled} doubled, ${early} out of order`);
  console.log(machineLine());
  process.exitCode = lost + doubled + early === 0 ? 0 : 1;
} finally {
  load.kill();
  audience.kill();
  await fleet.stop();
}
