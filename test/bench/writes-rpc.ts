/**
 * The internal protocol beside etcd's gRPC: 256 durable writes in flight, three servers each, alternating runs, with an output
 * of 256 bytes each. Ours go two ways: `call`, one `catalog.write` for each, as for external nodes; and `journal`, as agents
 * deliver what their checks found: what gathers during one delivery goes with the next, and each record is an event besides.
 * etcd's are puts. All clients are lean (`grpc-client.ts`) and of one process; each contestant has its writes in flight spread
 * over as many connections as make it fastest, which is found out first.
 *
 *     npm run build && node dist/test/bench/writes-rpc.js [rounds = 5] [seconds = 5] [writes in flight = 256]
 *
 * With three servers of each and the client on two processors (2026-11-22, `writes-rpc.js 3 3`, etcd 17,000 to 21,000 a second):
 * 1.13 times etcd's a write a call and 1.73 in deliveries on Node 20, 1.71 and 2.55 on Node 24. At the best of these, 43,000 a
 * second, client and three servers together have 46 µs of two processors for a write; at five times etcd's they would have 24.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostClock } from '../../agent/host/clock.ts';
import { hostRandom } from '../../agent/host/random.ts';
import type { CommandBody } from '../../proto/schema/command.ts';
import type { JournalRecord } from '../../proto/schema/journal.ts';
import { makeUuid } from '../../proto/uuid.ts';
import { connectRpc, makeRpcHost } from '../../server/rpc/client.ts';
import type { RpcConnection } from '../../server/rpc/connection.ts';
import { tcp } from '../../server/rpc/tcp.ts';
import { type Contestant, startEtcd, startRollcall } from './contestants.ts';
import { machineLine, median, quantile } from './figures.ts';
import { GrpcClient } from './grpc-client.ts';

const atLeast = 5;
const connectionCounts = [1, 4, 16];
const checksOfAgent = 100;
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

/** A contestant, and how one of its connections is opened. */
interface Way {
  readonly name: string;
  open(): Promise<Writer>;
}

interface Result {
  readonly perSecond: number;
  readonly p99Ms: number;
}

function connect(port: number, nodeId: string): Promise<RpcConnection> {
  const rpcHost = makeRpcHost({
    clock: hostClock(),
    random: hostRandom(),
    network: tcp,
    identity: () => ({ kind: 'agent', nodeId, node: nodeId, clusterId: '' }),
    defer: process.nextTick,
    onBug: (error) => {
      throw error;
    },
  });
  return connectRpc({ host, port }, rpcHost);
}

async function openCalls(port: number): Promise<Writer> {
  const connection = await connect(port, 'bench');
  return {
    write: (serial, done) =>
      void connection.call('catalog.write', { body: registration(serial), once: null }).then(
        () => done(true),
        () => done(false),
      ),
    close: () => void connection.close(),
  };
}

/** An agent of its own with a hundred checks that fail and recover; one delivery at a time. */
async function openJournal(port: number): Promise<Writer> {
  const nodeId = makeUuid(hostRandom());
  const connection = await connect(port, nodeId);
  const place = { address: '127.0.0.1', datacenter: 'dc1', taggedAddresses: {}, meta: {} };
  const identity = { node: nodeId, nodeId, ...place };
  let revision = 0;
  let waiting: { readonly record: JournalRecord; readonly done: (ok: boolean) => void }[] = [];
  let delivering = false;
  const deliver = async () => {
    delivering = true;
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const records = batch.map(({ record }) => record);
      const last = records.at(-1)!.revision;
      const ok = await connection.call('journal.deliver', { identity, journalId: nodeId, records }).then(
        (answer) => answer.revision === last,
        () => false,
      );
      for (const { done } of batch) done(ok);
    }
    delivering = false;
  };
  return {
    write(serial, done) {
      waiting.push({ record: transition(++revision, serial), done });
      // What is written in the same turn goes together.
      if (!delivering) process.nextTick(deliver);
      delivering = true;
    },
    close: () => void connection.close(),
  };
}

function transition(revision: number, serial: number): JournalRecord {
  return {
    kind: 'check.status',
    revision,
    observedAtMs: Date.now(),
    check: `c${revision % checksOfAgent}`,
    status: Math.floor(revision / checksOfAgent) % 2 === 0 ? 'passing' : 'critical',
    output: outputOf(serial),
    cause: 'check',
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

async function run(way: Way, connections: number, durationSeconds: number): Promise<Result> {
  const writers = await Promise.all(Array.from({ length: connections }, () => way.open()));
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
        if (!ok) reject(new Error(`${way.name}: a write failed`));
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

/** How many connections make it fastest. */
async function bestOf(way: Way): Promise<number> {
  let [connections, best] = [1, 0];
  for (const count of connectionCounts) {
    const { perSecond } = await run(way, count, 2);
    console.log(`${way.name} over ${count} connections: ${perSecond.toFixed(0)}/s`);
    if (perSecond > best) [connections, best] = [count, perSecond];
  }
  return connections;
}

const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
const contestants: Contestant[] = [];
try {
  contestants.push(await startRollcall(folder), await startEtcd(folder));
  const [ours, etcd] = contestants as [Contestant, Contestant];
  console.log(`${inFlight} writes in flight; ${machineLine()}`);
  const ways: Way[] = [
    { name: 'call', open: () => openCalls(ours.rpcPort) },
    { name: 'journal', open: () => openJournal(ours.rpcPort) },
    { name: 'etcd', open: () => openEtcds(etcd.rpcPort) },
  ];
  // Servers that have just started compile what they run.
  for (const way of ways) await run(way, 4, 3);
  const connections: number[] = [];
  for (const way of ways) connections.push(await bestOf(way));
  const results: Result[][] = ways.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, way] of ways.entries()) results[i]!.push(await run(way, connections[i]!, seconds));
  }
  const rates = results.map((of) => median(of.map(({ perSecond }) => perSecond)));
  for (const [i, { name }] of ways.entries()) {
    const p99 = median(results[i]!.map(({ p99Ms }) => p99Ms)).toFixed(1);
    console.log(`${name} over ${connections[i]} connections: ${rates[i]!.toFixed(0)}/s, p99 ${p99} ms`);
  }
  const [call, journal, gRpc] = rates as [number, number, number];
  console.log(`the internal protocol beside etcd's gRPC: ${(call / gRpc).toFixed(2)}x a write a call, \
${(journal / gRpc).toFixed(2)}x in deliveries of a journal (at least ${atLeast})`);
  console.log(machineLine());
} finally {
  await Promise.all(contestants.map((contestant) => contestant.stop()));
  await rm(folder, { recursive: true, force: true });
}
