/**
 * The internal protocol beside etcd's gRPC: 256 durable writes in flight, three servers each, alternating runs. Ours are calls
 * of `catalog.write` (a check with an output of 256 bytes) over the connection that an agent keeps to a server; etcd's are
 * puts of 256 bytes. Both clients are lean (`grpc-client.ts`) and of one process; the writes in flight are spread over as
 * many connections as make etcd fastest, which is found out first.
 *
 *     npm run build && node dist/test/bench/writes-rpc.js [rounds = 5] [seconds = 5] [writes in flight = 256]
 *
 * With three servers of each and the client on two processors (2026-11-22, `writes-rpc.js 3 3`): 0.93 of etcd's 15,300 a second.
 * A write of ours then takes about 120 µs of processor time in all four processes; five times etcd's would leave 27.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostClock } from '../../agent/host/clock.ts';
import { hostRandom } from '../../agent/host/random.ts';
import type { CommandBody } from '../../proto/schema/command.ts';
import { connectRpc, makeRpcHost } from '../../server/rpc/client.ts';
import { tcp } from '../../server/rpc/tcp.ts';
import { type Contestant, startEtcd, startRollcall } from './contestants.ts';
import { machineLine, median, quantile } from './figures.ts';
import { GrpcClient } from './grpc-client.ts';

const atLeast = 5;
const connectionCounts = [1, 4, 16];
const output = 'x'.repeat(256);
const host = '127.0.0.1';

const rounds = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 5);
const inFlight = Number(process.argv[4] ?? 256);

/** One connection of a client: sends a write and tells when it is done. */
interface Writer {
  write(serial: number, done: (ok: boolean) => void): void;
  close(): void;
}

interface Result {
  readonly perSecond: number;
  readonly p99Ms: number;
}

async function openOurs(port: number): Promise<Writer> {
  const rpcHost = makeRpcHost({
    clock: hostClock(),
    random: hostRandom(),
    network: tcp,
    identity: () => ({ kind: 'agent', nodeId: 'bench', node: 'bench', clusterId: '' }),
    defer: process.nextTick,
    onBug: (error) => {
      throw error;
    },
  });
  const connection = await connectRpc({ host, port }, rpcHost);
  return {
    write: (serial, done) =>
      void connection.call('catalog.write', { body: registration(serial), once: null }).then(
        () => done(true),
        () => done(false),
      ),
    close: () => void connection.close(),
  };
}

async function openEtcds(port: number): Promise<Writer> {
  const client = await GrpcClient.connect(host, port);
  return {
    write: (serial, done) => client.put({ key: nodeOf(serial), value: outputOf(serial) }, done),
    close: () => client.close(),
  };
}

function nodeOf(serial: number): string {
  return `external-${serial % 1_000}`;
}

function outputOf(serial: number): string {
  return `${serial} ${output}`.slice(0, 256);
}

function registration(serial: number): CommandBody {
  const name = nodeOf(serial);
  const host = { id: '', address: '192.0.2.1', datacenter: 'dc1', taggedAddresses: null, meta: null };
  const ofService = { serviceId: '', serviceName: '', serviceTags: [] };
  const check = { node: name, id: 'c', name: 'c', notes: '', status: 'passing', output: outputOf(serial) };
  return {
    kind: 'catalog.register',
    v: 1,
    node: { name, ...host, skipUpdate: true },
    service: null,
    checks: [{ ...check, ...ofService, type: '', definition: {} }],
  };
}

async function run(
  { name, rpcPort }: Contestant,
  connections: number,
  durationSeconds: number,
): Promise<Result> {
  const open = () => (name === 'rollcall' ? openOurs(rpcPort) : openEtcds(rpcPort));
  const writers = await Promise.all(Array.from({ length: connections }, open));
  const timesMs: number[] = [];
  let serial = 0;
  const startMs = performance.now();
  const endMs = startMs + durationSeconds * 1_000;
  await new Promise<void>((resolve, reject) => {
    let open = inFlight;
    const next = (writer: Writer) => {
      const sentMs = performance.now();
      if (sentMs >= endMs) {
        open--;
        if (open === 0) resolve();
        return;
      }
      writer.write(serial++, (ok) => {
        if (!ok) reject(new Error(`${name}: a write failed`));
        timesMs.push(performance.now() - sentMs);
        next(writer);
      });
    };
    for (let i = 0; i < inFlight; i++) next(writers[i % connections]!);
  });
  const perSecond = (timesMs.length / (performance.now() - startMs)) * 1_000;
  for (const writer of writers) writer.close();
  return { perSecond, p99Ms: quantile(timesMs, 0.99) };
}

const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
const contestants: Contestant[] = [];
try {
  contestants.push(await startRollcall(folder), await startEtcd(folder));
  const [ours, etcd] = contestants as [Contestant, Contestant];
  console.log(`${inFlight} writes in flight; ${machineLine()}`);
  let connections = 1;
  let best = 0;
  for (const count of connectionCounts) {
    await run(ours, count, 2);
    const { perSecond } = await run(etcd, count, 2);
    console.log(`etcd over ${count} connections: ${perSecond.toFixed(0)}/s`);
    if (perSecond > best) [connections, best] = [count, perSecond];
  }
  const results = { rollcall: [] as Result[], etcd: [] as Result[] };
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) {
      results[contestant.name].push(await run(contestant, connections, seconds));
    }
  }
  for (const { name } of contestants) {
    const rate = median(results[name].map(({ perSecond }) => perSecond)).toFixed(0);
    const p99 = median(results[name].map(({ p99Ms }) => p99Ms)).toFixed(1);
    console.log(`${name} over ${connections} connections: ${rate}/s, p99 ${p99} ms`);
  }
  const ratio =
    median(results.rollcall.map(({ perSecond }) => perSecond)) /
    median(results.etcd.map(({ perSecond }) => perSecond));
  console.log(`the internal protocol beside etcd's gRPC: ${ratio.toFixed(2)}x (at least ${atLeast})`);
  console.log(machineLine());
} finally {
  await Promise.all(contestants.map((contestant) => contestant.stop()));
  await rm(folder, { recursive: true, force: true });
}
