/**
 * A server that comes back, among three with a large catalog. First: a follower is killed after many writes and started again;
 * it is ready when it answers over HTTP and has applied all that was committed when it was started. Second: a follower stays away
 * while many more entries are written, then comes back under a load of half the measured maximum; how long until it has all that was
 * committed when it was started, and what became of the clients' rate meanwhile. Default limits everywhere.
 *
 *     npm run build && node dist/test/bench/restart.js [writes = 200000] [checks = 100000] [entries missed = writes / 2]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { machineLine, median } from './figures.ts';
import { until } from './program.ts';
import { type LoadResult, runLoad } from './raw-client.ts';
import { type FleetAgent, ServerFleet } from './server-fleet.ts';

const readyAtMostMs = 5_000;
const rateAtLeast = 0.8;
const checksOfNode = 100;
const clients = 64;
const sliceMs = 5_000;
const patienceMs = 600_000;
const output = 'x'.repeat(256);

const writes = Number(process.argv[2] ?? 200_000);
const checks = Number(process.argv[3] ?? 100_000);
const missed = Number(process.argv[4] ?? writes / 2);
const nodes = Math.ceil(checks / checksOfNode);

async function fill(server: FleetAgent): Promise<void> {
  for (let node = 0; node < nodes; node++) {
    await server.put('/v1/catalog/register', {
      Node: `external-${node}`,
      Address: '192.0.2.1',
      Checks: Array.from({ length: checksOfNode }, (_, check) => ({
        CheckID: `c${check}`,
        Name: `c${check}`,
        Status: 'passing',
        Output: output,
      })),
    });
  }
}

let serial = 0;

function request(): string {
  const check = `c${serial % checksOfNode}`;
  const body = JSON.stringify({
    Node: `external-${Math.floor(serial / checksOfNode) % nodes}`,
    SkipNodeUpdate: true,
    Check: { CheckID: check, Name: check, Status: 'passing', Output: `${serial} ${output}`.slice(0, 256) },
  });
  serial += 1;
  return `PUT /v1/catalog/register HTTP/1.1\r\nHost: bench\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
}

async function slice(leader: FleetAgent, perSecondMax?: number): Promise<LoadResult> {
  const pace = perSecondMax === undefined ? {} : { perSecondMax };
  const where = { host: leader.address, port: leader.port };
  const result = await runLoad({ ...where, clients, durationMs: sliceMs, request, ...pace });
  if (result.failures > 0) throw new Error(`${result.failures} writes failed`);
  return result;
}

/** Writes until so many were accepted; resolves with the rates of all slices. */
async function write(leader: FleetAgent, count: number): Promise<number[]> {
  const rates: number[] = [];
  for (let done = 0; done < count; ) {
    const { answers, perSecond } = await slice(leader);
    done += answers;
    rates.push(perSecond);
  }
  return rates;
}

async function applied(server: FleetAgent): Promise<number | undefined> {
  const self = await server.get<{ Stats: { raft?: { applied_index?: string } } }>('/v1/agent/self');
  const index = self?.Stats.raft?.applied_index;
  return index === undefined ? undefined : Number(index);
}

/** Time until it has applied all that the leader had when it was started. */
async function comeBack(follower: FleetAgent, leader: FleetAgent): Promise<number> {
  const goal = await until('the leader says how far it is', () => applied(leader));
  const startMs = performance.now();
  follower.restart();
  await until(
    'the follower is ready',
    async () => ((await applied(follower)) ?? 0) >= goal || undefined,
    patienceMs,
  );
  return performance.now() - startMs;
}

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
const fleet = await ServerFleet.start(50, 3);
try {
  const leader = await fleet.leader();
  const follower = fleet.servers.find((server) => server !== leader)!;
  await fill(leader);
  const perSecond = median(await write(leader, writes));
  console.log(`${checks} checks, ${writes} writes at ${perSecond.toFixed(0)}/s; ${machineLine()}`);
  await follower.kill();
  const readyMs = await comeBack(follower, leader);
  console.log(`started again, ready in ${seconds(readyMs)} (at most ${seconds(readyAtMostMs)})`);

  await pause(sliceMs);
  await follower.kill();
  const most = median(await write(leader, missed));
  const half = most / 2;
  const before = median(
    [await slice(leader, half), await slice(leader, half)].map((result) => result.perSecond),
  );
  const back = comeBack(follower, leader);
  let isBack = false;
  void back.then(() => {
    isBack = true;
  });
  const during: LoadResult[] = [];
  while (!isBack) during.push(await slice(leader, half));
  const after = await slice(leader, half);
  const rate = median(during.map((result) => result.perSecond));
  console.log(
    `${missed} entries missed, ${before.toFixed(0)} writes/s of at most ${most.toFixed(0)}: caught up in ${seconds(await back)}`,
  );
  console.log(
    `meanwhile ${rate.toFixed(0)} writes/s, ${(rate / before).toFixed(2)} of before (at least ${rateAtLeast}), slowest p99 ${Math.max(...during.map(({ p99Ms }) => p99Ms)).toFixed(0)} ms; afterwards ${after.perSecond.toFixed(0)}/s`,
  );
  const [goal, reached] = [await applied(leader), await applied(follower)];
  console.log(`the follower stands ${goal! - reached!} entries behind the leader; ${machineLine()}`);
} finally {
  await fleet.stop();
}
