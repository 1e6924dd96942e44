/**
 * Durable writes per second, three servers each: ours through `PUT /v1/catalog/register` (a check with an output of 256 bytes),
 * etcd's through its JSON gateway, both asked at the leader and with a flush on every commit, in alternating runs. Both are
 * warmed up with 64 clients for some seconds first: a server that has just started compiles what it runs. It prints
 * medians and ratios; absolute numbers say little on a shared machine.
 *
 *     npm run build && node dist/test/bench/writes.js [rounds = 5] [seconds = 5] [clients = 1,64,256]
 *
 * On two processors with nothing else to do (2026-11-22, etcd 3.4.23, three seconds a run), times etcd's, by clients:
 *
 *     1      writes 1.36, 1.30   p50 0.70, 0.73   p99 1.16, 1.21   Node 24, two runs of five rounds
 *     64            1.90, 1.98       0.49, 0.46       0.66, 0.85
 *     256           1.68, 1.87       0.55, 0.50       0.74, 0.74
 *     1      writes 1.03 to 1.17, p50 0.79 to 0.90, p99 1.57 to 1.99   Node 20, three runs
 *     64            1.36 to 1.64      0.56 to 0.70      0.82 to 1.07
 *     256           1.29 to 1.44      0.66 to 0.74      0.86 to 1.06
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Contestant, startEtcd, startRollcall } from './contestants.ts';
import { machineLine, median } from './figures.ts';
import { type LoadResult, runLoad } from './raw-client.ts';

/** By clients: at least so many times etcd's writes, at most so many times its p99. */
const targets = new Map([
  [1, { writes: 1, p99: null }],
  [64, { writes: 1.5, p99: 0.8 }],
  [256, { writes: 1.5, p99: 0.8 }],
]);
const warmUpSeconds = 6;
const output = 'x'.repeat(256);

const rounds = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 5);
const clientCounts = (process.argv[4] ?? [...targets.keys()].join(',')).split(',').map(Number);

const requestOf: Record<Contestant['name'], (serial: number) => string> = {
  rollcall: (serial) =>
    put('/v1/catalog/register', 'PUT', {
      Node: `external-${serial % 1_000}`,
      Address: '192.0.2.1',
      SkipNodeUpdate: true,
      Check: { CheckID: 'c', Name: 'c', Status: 'passing', Output: outputOf(serial) },
    }),
  etcd: (serial) =>
    put('/v3/kv/put', 'POST', {
      key: base64(`external-${serial % 1_000}`),
      value: base64(outputOf(serial)),
    }),
};

function outputOf(serial: number): string {
  return `${serial} ${output}`.slice(0, 256);
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function put(path: string, method: string, body: unknown): string {
  const text = JSON.stringify(body);
  return `${method} ${path} HTTP/1.1\r\nHost: bench\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

async function load(
  { name, httpPort }: Contestant,
  clients: number,
  forSeconds: number,
): Promise<LoadResult> {
  const request = requestOf[name];
  const where = { host: '127.0.0.1', port: httpPort };
  const result = await runLoad({ ...where, clients, durationMs: forSeconds * 1_000, request });
  if (result.failures > 0) throw new Error(`${name}: ${result.failures} writes failed`);
  return result;
}

const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
const contestants: Contestant[] = [];
try {
  contestants.push(await startRollcall(folder), await startEtcd(folder));
  console.log(machineLine());
  for (const contestant of contestants) await load(contestant, 64, warmUpSeconds);
  for (const clients of clientCounts) {
    const results = { rollcall: [] as LoadResult[], etcd: [] as LoadResult[] };
    for (let round = 0; round < rounds; round++) {
      for (const contestant of contestants) {
        results[contestant.name].push(await load(contestant, clients, seconds));
      }
    }
    const of = (name: Contestant['name'], key: 'perSecond' | 'p50Ms' | 'p99Ms') =>
      median(results[name].map((result) => result[key]));
    for (const { name } of contestants) {
      const [rate, p50, p99] = [of(name, 'perSecond'), of(name, 'p50Ms'), of(name, 'p99Ms')];
      console.log(
        `${clients} clients, ${name}: ${rate.toFixed(0)}/s, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms`,
      );
    }
    const ratio = (key: 'perSecond' | 'p50Ms' | 'p99Ms') =>
      (of('rollcall', key) / of('etcd', key)).toFixed(2);
    const target = targets.get(clients);
    const atLeast = target === undefined ? '' : ` (at least ${target.writes})`;
    const atMost = target?.p99 == null ? '' : ` (at most ${target.p99})`;
    console.log(
      `${clients} clients, ratio: ${ratio('perSecond')}x the writes${atLeast}, ${ratio('p50Ms')}x the p50, ${ratio('p99Ms')}x the p99${atMost}`,
    );
  }
  console.log(machineLine());
} finally {
  await Promise.all(contestants.map((contestant) => contestant.stop()));
  await rm(folder, { recursive: true, force: true });
}
