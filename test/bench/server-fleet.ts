/** Real agents of a benchmark, each on a loopback address of its own with the usual ports, on folders that go with them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Program, until } from './program.ts';

const rollcall = fileURLToPath(new URL('../../agent/cli/main.js', import.meta.url));
const httpPort = 8500;
const startPatienceMs = 60_000;

export class FleetAgent {
  readonly name: string;
  readonly address: string;
  readonly #args: readonly string[];
  #program: Program;

  constructor(name: string, address: string, folder: string, flags: readonly string[]) {
    this.name = name;
    this.address = address;
    const where = ['--bind', address, '--client', address, '--data-dir', join(folder, name)];
    this.#args = [rollcall, 'agent', '--node', name, ...where, '--log-level', 'error', ...flags];
    this.#program = new Program(process.execPath, this.#args);
  }

  get pid(): number {
    return this.#program.pid;
  }

  get port(): number {
    return httpPort;
  }

  get url(): string {
    return `http://${this.address}:${httpPort}`;
  }

  /** SIGKILL, and gone when this resolves. */
  kill(): Promise<void> {
    return this.#program.stop();
  }

  restart(): void {
    this.#program = new Program(process.execPath, this.#args);
  }

  /** The body of a 200 answer; undefined for any other, and while nobody answers. */
  async get<T>(path: string, patienceMs = 5_000): Promise<T | undefined> {
    const signal = AbortSignal.timeout(patienceMs);
    const answer = await fetch(`${this.url}${path}`, { signal }).catch(() => undefined);
    return answer?.ok ? ((await answer.json()) as T) : undefined;
  }

  /** Rejects unless it was taken. */
  async put(path: string, body?: unknown): Promise<void> {
    const answer = await fetch(`${this.url}${path}`, { method: 'PUT', body: JSON.stringify(body ?? null) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    await answer.arrayBuffer();
  }
}

export class ServerFleet {
  readonly servers: FleetAgent[] = [];
  readonly #agents: FleetAgent[] = [];
  readonly #net: number;
  readonly #folder: string;

  private constructor(net: number, folder: string) {
    this.#net = net;
    this.#folder = folder;
  }

  /** `net`: third byte of the addresses. Resolves when all servers follow one leader. */
  static async start(net: number, count: number): Promise<ServerFleet> {
    const fleet = new ServerFleet(net, await mkdtemp(join(tmpdir(), 'rollcall-bench-')));
    const flags = ['--server', '--bootstrap-expect', `${count}`];
    for (let number = 1; number <= count; number++) {
      fleet.servers.push(fleet.#start(`server-${number}`, flags));
    }
    await fleet.leader();
    return fleet;
  }

  /** A plain agent. */
  async startAgent(name: string, flags: readonly string[] = []): Promise<FleetAgent> {
    const agent = this.#start(name, flags);
    await until(
      `${name} answers`,
      async () => (await agent.get<string>('/v1/status/leader')) || undefined,
      startPatienceMs,
    );
    return agent;
  }

  /** The server that all of them follow; waits until there is one. */
  async leader(): Promise<FleetAgent> {
    return until(
      'all servers follow one leader',
      async () => {
        const leaders = await Promise.all(
          this.servers.map((server) => server.get<string>('/v1/status/leader')),
        );
        const host = leaders[0]?.split(':')[0];
        if (!host || leaders.some((leader) => leader !== leaders[0])) return undefined;
        return this.servers.find(({ address }) => address === host);
      },
      startPatienceMs,
    );
  }

  async stop(): Promise<void> {
    await Promise.all(this.#agents.map((agent) => agent.kill()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  #start(name: string, flags: readonly string[]): FleetAgent {
    const address = `127.0.${this.#net}.${this.#agents.length + 1}`;
    const join = [1, 2].flatMap((other) => ['--join', `127.0.${this.#net}.${other}`]);
    const agent = new FleetAgent(name, address, this.#folder, [...join, ...flags]);
    this.#agents.push(agent);
    return agent;
  }
}
