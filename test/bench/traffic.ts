/**
 * What an idle cluster of 32 costs: bytes on the wire and processor time per member, ours (lean processes that run the gossip
 * of an agent in its thread and nothing else) beside stock `serf agent`; and what whole plain agents with three checks and a
 * server to talk to hold in memory (VmRSS, the median of three). What was tried to make that less, and what each step gave,
 * stands in CONTRIBUTING.md. Each part runs at the same time in a network namespace of its own (`unshare`, so as
 * root on Linux), where every byte on `lo` is one of the cluster's, headers included.
 *
 *     npm run build && node dist/test/bench/traffic.js [minutes = 1] [members = 32]
 *
 * On two busy processors (2026-11-22, Node 20, Serf 0.9.4, one minute): 305 bytes a second and member beside 355, which is
 * 0.86 of Serf's; 0.82 of its processor time for the gossip alone, 1.09 for a plain agent; 75 MiB with three checks.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cpuMs, machineLine, median, ratioLine, rssMiB } from './figures.ts';
import { GossipCluster, type Make } from './gossip-cluster.ts';
import { ServerFleet } from './server-fleet.ts';

const bytesAtMost = 1.0;
const cpuAtMost = 1.5;
const rssMiBAtMost = 80;
/** Whose memory and processor time are measured, side by side with one server. */
const plainAgents = 3;
/** Joining makes traffic of its own, which is told for a while. */
const settleMs = 30_000;

interface Idle {
  readonly bytesPerSecond: number;
  readonly packetsPerSecond: number;
  /** Of one member at the median, in parts of one processor. */
  readonly cpuShare: number;
  readonly rssMiB: number;
}

async function loopbackCounts(): Promise<{ bytes: number; packets: number }> {
  const text = await readFile('/proc/self/net/dev', 'utf8');
  const [bytes, packets] = /lo:\s*(\d+)\s+(\d+)/.exec(text)!.slice(1).map(Number);
  return { bytes: bytes!, packets: packets! };
}

async function watch(pids: readonly number[], minutes: number): Promise<Idle> {
  await pause(settleMs);
  const [before, cpuBefore, startMs] = [await loopbackCounts(), pids.map(cpuMs), performance.now()];
  await pause(minutes * 60_000);
  const [after, cpuAfter] = [await loopbackCounts(), pids.map(cpuMs)];
  const elapsedMs = performance.now() - startMs;
  const perMember = (amount: number) => (amount / pids.length / elapsedMs) * 1_000;
  return {
    bytesPerSecond: perMember(after.bytes - before.bytes),
    packetsPerSecond: perMember(after.packets - before.packets),
    cpuShare: median(cpuAfter.map((ms, index) => (ms - cpuBefore[index]!) / elapsedMs)),
    rssMiB: median(pids.map(rssMiB)),
  };
}

async function measureCluster(make: Make, minutes: number, size: number): Promise<Idle> {
  const cluster = await GossipCluster.start(make, 46, size);
  try {
    return await watch(
      cluster.members.map(({ pid }) => pid),
      minutes,
    );
  } finally {
    await cluster.stop();
  }
}

/** Plain agents, with a script, an HTTP and a TTL check or with none. */
async function measureAgent(minutes: number, withChecks: boolean): Promise<Idle> {
  const target = createServer((_request, response) => response.end('well'));
  target.listen(18_080, '127.0.0.1');
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
  const config = join(folder, 'checks.yaml');
  await writeFile(
    config,
    JSON.stringify({
      enable_local_script_checks: true,
      checks: [
        { name: 'web', http: 'http://127.0.0.1:18080/', interval: '10s' },
        { name: 'script', args: ['/bin/true'], interval: '10s' },
        { name: 'heartbeat', ttl: '1h' },
      ],
    }),
  );
  const fleet = await ServerFleet.start(46, 1);
  try {
    const pids: number[] = [];
    for (let number = 1; number <= plainAgents; number++) {
      const agent = await fleet.startAgent(`plain-${number}`, withChecks ? ['--config', config] : []);
      pids.push(agent.pid);
    }
    return await watch(pids, minutes);
  } finally {
    await fleet.stop();
    await rm(folder, { recursive: true });
    target.close();
  }
}

async function inNamespace(what: string, minutes: number, size: number): Promise<Idle> {
  const program = [process.execPath, fileURLToPath(import.meta.url), `${minutes}`, `${size}`, what];
  const shell = 'ip link set lo up && exec "$@"';
  const { stdout } = await promisify(execFile)('unshare', ['--net', 'sh', '-c', shell, 'sh', ...program]);
  return JSON.parse(stdout) as Idle;
}

const [minutes, size] = [Number(process.argv[2] ?? 1), Number(process.argv[3] ?? 32)];
const what = process.argv[4];
if (what !== undefined) {
  const idle = what.startsWith('agent')
    ? await measureAgent(minutes, what === 'agent-with-checks')
    : await measureCluster(what as Make, minutes, size);
  console.log(JSON.stringify(idle));
} else {
  console.log(`${minutes} idle minutes, ${size} members; ${machineLine()}`);
  const [rollcall, serf, bare, agent] = await Promise.all(
    ['rollcall', 'serf', 'agent', 'agent-with-checks'].map((part) => inNamespace(part, minutes, size)),
  );
  for (const [name, idle] of [
    ['rollcall (gossip alone)', rollcall!],
    ['serf', serf!],
    ['a plain agent without checks', bare!],
    ['a plain agent with three checks', agent!],
  ] as const) {
    const cpu = `${(idle.cpuShare * 100).toFixed(2)} % of a processor, ${idle.rssMiB.toFixed(1)} MiB`;
    const traffic = `${idle.bytesPerSecond.toFixed(0)} B/s and ${idle.packetsPerSecond.toFixed(1)} packets/s a member`;
    console.log(idle === rollcall || idle === serf ? `${name}: ${traffic}, ${cpu}` : `${name}: ${cpu}`);
  }
  console.log(ratioLine('idle bytes', rollcall!.bytesPerSecond, serf!.bytesPerSecond, bytesAtMost));
  console.log(ratioLine('idle CPU, gossip alone', rollcall!.cpuShare, serf!.cpuShare, cpuAtMost));
  console.log(ratioLine('idle CPU, a plain agent', bare!.cpuShare, serf!.cpuShare, cpuAtMost));
  console.log(
    `RSS of a plain agent with three checks: ${agent!.rssMiB.toFixed(1)} MiB (at most ${rssMiBAtMost})`,
  );
  console.log(machineLine());
}
