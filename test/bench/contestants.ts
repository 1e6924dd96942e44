/** Three servers of ours and three of etcd, side by side on fixed loopback ports, both with a flush on every commit. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program, until } from './program.ts';

const rollcall = fileURLToPath(new URL('../../agent/cli/main.js', import.meta.url));
const numbers = [1, 2, 3];

export interface Contestant {
  readonly name: 'rollcall' | 'etcd';
  /** Of the leader, so that nothing is passed on: HTTP of both; etcd's takes gRPC as well. */
  readonly httpPort: number;
  /** The internal protocol of our leader; etcd's gRPC. */
  readonly rpcPort: number;
  stop(): Promise<void>;
}

export async function startRollcall(folder: string): Promise<Contestant> {
  const http = (number: number) => 19_500 + number;
  const rpc = (number: number) => 19_800 + number;
  const programs = numbers.map((number) => {
    const data = join(folder, `rollcall-${number}`);
    const ports = ['--http-port', http(number), '--serf-port', 19_300 + number, '--server-port', rpc(number)];
    return new Program(process.execPath, [
      ...[rollcall, 'agent', '--server', '--bootstrap-expect', '3', '--node', `bench-${number}`],
      ...['--bind', '127.0.0.1', '--client', '127.0.0.1', '--join', '127.0.0.1:19301', '--data-dir', data],
      ...['--log-level', 'error', ...ports.map(String)],
    ]);
  });
  const leader = await until('rollcall has a leader', async () => {
    const answer = await fetch(`http://127.0.0.1:${http(1)}/v1/status/leader`);
    const number = /:1980(\d)/.exec(await answer.text())?.[1];
    return number === undefined ? undefined : Number(number);
  });
  return contestant('rollcall', http(leader), rpc(leader), programs);
}

export async function startEtcd(folder: string): Promise<Contestant> {
  const client = (number: number) => 19_600 + number;
  const peer = (number: number) => `http://127.0.0.1:${19_700 + number}`;
  const cluster = numbers.map((number) => `e${number}=${peer(number)}`).join(',');
  const programs = numbers.map((number) => {
    const url = `http://127.0.0.1:${client(number)}`;
    const peers = ['--listen-peer-urls', peer(number), '--initial-advertise-peer-urls', peer(number)];
    return new Program('etcd', [
      ...['--name', `e${number}`, '--data-dir', join(folder, `etcd-${number}`)],
      ...['--logger', 'zap', '--log-level', 'error', '--listen-client-urls', url],
      ...['--advertise-client-urls', url, ...peers],
      ...['--initial-cluster', cluster, '--initial-cluster-state', 'new'],
    ]);
  });
  const leader = await until('etcd has a leader', async () => {
    for (const number of numbers) {
      const url = `http://127.0.0.1:${client(number)}/v3/maintenance/status`;
      const answer = await fetch(url, { method: 'POST', body: '{}' });
      const { leader, header } = (await answer.json()) as { leader?: string; header: { member_id: string } };
      if (leader !== undefined && leader === header.member_id) return number;
    }
    return undefined;
  });
  return contestant('etcd', client(leader), client(leader), programs);
}

function contestant(
  name: Contestant['name'],
  httpPort: number,
  rpcPort: number,
  programs: readonly Program[],
): Contestant {
  return {
    name,
    httpPort,
    rpcPort,
    stop: async () => void (await Promise.all(programs.map((program) => program.stop()))),
  };
}
