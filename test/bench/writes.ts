/**
 * Durable writes per second, three servers each: ours through `PUT /v1/catalog/register`, etcd's through its JSON gateway,
 * both with a flush on every commit, in alternating runs. `node dist/test/bench/writes.js [rounds] [seconds]` prints
 * medians and ratios; absolute numbers say little on a shared machine.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program, until } from './program.ts';
import { type LoadResult, runLoad } from './raw-client.ts';

const clientCounts = [1, 64, 256];
const output = 'x'.repeat(256);
const rollcall = fileURLToPath(new URL('../../agent/cli/main.js', import.meta.url));

interface Contestant {
  readonly name: string;
  readonly port: number;
  request(serial: number): string;
  stop(): Promise<void>;
}

/** HTTP port of our leader, so that no request is passed on; etcd is asked at its leader as well. */
async function startRollcall(folder: string): Promise<Contestant> {
  const numbers = [1, 2, 3];
  const http = (number: number) => 19_500 + number;
  const programs = numbers.map((number) => {
    const ports = ['--http-port', `${http(number)}`, '--serf-port', `${19_300 + number}`];
    return new Program(process.execPath, [
      ...[
        rollcall,
        'agent',
        '--server',
        '--bootstrap-expect',
        '3',
        '--node',
        `bench-${number}`,
        '--bind',
        '127.0.0.1',
      ],
      ...['--client', '127.0.0.1', '--data-dir', join(folder, `rollcall-${number}`), '--log-level', 'error'],
      ...[...ports, '--server-port', `${19_800 + number}`, '--join', '127.0.0.1:19301'],
    ]);
  });
  const leader = await until('rollcall has a leader', async () => {
    const answer = await fetch(`http://127.0.0.1:${http(1)}/v1/status/leader`);
    const number = /:1980(\d)/.exec(await answer.text())?.[1];
    return number === undefined ? undefined : Number(number);
  });
  return {
    name: 'rollcall',
    port: http(leader),
    request: (serial) =>
      put('/v1/catalog/register', 'PUT', {
        Node: `external-${serial % 1_000}`,
        Address: '192.0.2.1',
        SkipNodeUpdate: true,
        Check: {
          CheckID: 'c',
          Name: 'c',
          Status: 'passing',
          Output: `${serial} ${output}`.slice(0, 256),
        },
      }),
    stop: async () => void (await Promise.all(programs.map((program) => program.stop()))),
  };
}

async function startEtcd(folder: string): Promise<Contestant> {
  const numbers = [1, 2, 3];
  const client = (number: number) => 19_600 + number;
  const peer = (number: number) => `http://127.0.0.1:${19_700 + number}`;
  const cluster = numbers.map((number) => `e${number}=${peer(number)}`).join(',');
  const programs = numbers.map(
    (number) =>
      new Program('etcd', [
        ...['--name', `e${number}`, '--data-dir', join(folder, `etcd-${number}`), '--log-level', 'error'],
        ...['--listen-client-urls', `http://127.0.0.1:${client(number)}`],
        ...['--advertise-client-urls', `http://127.0.0.1:${client(number)}`],
        ...['--listen-peer-urls', peer(number), '--initial-advertise-peer-urls', peer(number)],
        ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
      ]),
  );
  const leader = await until('etcd has a leader', async () => {
    for (const number of numbers) {
      const answer = await fetch(`http://127.0.0.1:${client(number)}/v3/maintenance/status`, {
        method: 'POST',
        body: '{}',
      });
      const { leader, header } = (await answer.json()) as { leader?: string; header: { member_id: string } };
      if (leader !== undefined && leader === header.member_id) return number;
    }
    return undefined;
  });
  return {
    name: 'etcd',
    port: client(leader),
    request: (serial) =>
      put('/v3/kv/put', 'POST', {
        key: base64(`external-${serial % 1_000}`),
        value: base64(`${serial} ${output}`.slice(0, 256)),
      }),
    stop: async () => void (await Promise.all(programs.map((program) => program.stop()))),
  };
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function put(path: string, method: string, body: unknown): string {
  const text = JSON.stringify(body);
  return `${method} ${path} HTTP/1.1\r\nHost: bench\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

const rounds = Number(process.argv[2] ?? 5);
const seconds = Number(process.argv[3] ?? 5);
const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'));
const contestants: Contestant[] = [];
try {
  contestants.push(await startRollcall(folder), await startEtcd(folder));
  for (const clients of clientCounts) {
    const results = new Map<string, LoadResult[]>(contestants.map(({ name }) => [name, []]));
    for (let round = 0; round <= rounds; round++) {
      for (const { name, port, request } of contestants) {
        const durationMs = round === 0 ? 1_000 : seconds * 1_000;
        const result = await runLoad({ host: '127.0.0.1', port, clients, durationMs, request });
        if (result.failures > 0) throw new Error(`${name}: ${result.failures} writes failed`);
        // The first round warms up.
        if (round > 0) results.get(name)?.push(result);
      }
    }
    const of = (name: string, key: 'perSecond' | 'p50Ms' | 'p99Ms') =>
      median(results.get(name)!.map((result) => result[key]));
    for (const { name } of contestants) {
      console.log(
        `${clients} clients, ${name}: ${of(name, 'perSecond').toFixed(0)}/s, p50 ${of(name, 'p50Ms').toFixed(2)} ms, p99 ${of(name, 'p99Ms').toFixed(2)} ms`,
      );
    }
    const rate = of('rollcall', 'perSecond') / of('etcd', 'perSecond');
    const p99 = of('rollcall', 'p99Ms') / of('etcd', 'p99Ms');
    console.log(`${clients} clients, ratio: ${rate.toFixed(2)}x the writes, ${p99.toFixed(2)}x the p99`);
  }
} finally {
  await Promise.all(contestants.map((contestant) => contestant.stop()));
  await rm(folder, { recursive: true, force: true });
}
