/**
 * How long a cluster of three servers takes no writes after its leader was killed (SIGKILL), with default timing. Right after the
 * kill, the two others are asked for a write every 25 ms; the first that is accepted ends the round, and the dead server is
 * started again. Consul 1.8 needed 2.9 s at the median on the machine where this was first measured, with
 * `raft_multiplier` 1; it is not here to be asked again.
 *
 *     npm run build && node dist/test/bench/failover.js [kills = 20]
 */
import { setTimeout as pause } from 'node:timers/promises';
import { machineLine, median, ratioLine, spread } from './figures.ts';
import { type FleetAgent, ServerFleet } from './server-fleet.ts';

const consulMs = 2_900;
const atMost = 0.5;
const askEveryMs = 25;
const patienceMs = 30_000;

const kills = Number(process.argv[2] ?? 20);

/** Resolves with the time of the first write that one of them accepts. */
function nextWrite(servers: readonly FleetAgent[], round: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let asked = 0;
    const over = () => {
      clearInterval(asking);
      clearTimeout(impatient);
    };
    const impatient = setTimeout(() => {
      over();
      reject(new Error('no write was accepted'));
    }, patienceMs);
    const asking = setInterval(() => {
      const server = servers[asked++ % servers.length]!;
      const row = { Node: `external-${round}`, Address: '192.0.2.1', NodeMeta: { asked: `${asked}` } };
      server.put('/v1/catalog/register', row).then(
        () => {
          over();
          resolve(performance.now());
        },
        () => {},
      );
    }, askEveryMs);
  });
}

const fleet = await ServerFleet.start(47, 3);
try {
  console.log(`3 servers, ${kills} kills; ${machineLine()}`);
  const timesMs: number[] = [];
  for (let round = 0; round < kills; round++) {
    const leader = await fleet.leader();
    // A leader's heartbeats come every 100 ms: the kill falls anywhere between two of them.
    await pause(2_000 + Math.random() * 1_000);
    const killed = leader.kill();
    const startMs = performance.now();
    await killed;
    timesMs.push(
      (await nextWrite(
        fleet.servers.filter((server) => server !== leader),
        round,
      )) - startMs,
    );
    leader.restart();
  }
  console.log(`leader SIGKILL → next accepted write: ${spread(timesMs, 'ms')}`);
  console.log(ratioLine("beside Consul's 2,900 ms of another day", median(timesMs), consulMs, atMost));
  console.log(machineLine());
} finally {
  await fleet.stop();
}
