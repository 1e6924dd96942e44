/** Agents as real processes for the end-to-end tests: own folder, own ports, gone when the test is over. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { ManagedProcess } from '../../examples/demo/process.ts';
import { freePort } from '../ports.ts';

/** What `npm run build` made of `agent/cli/main.ts`. */
export const program = fileURLToPath(new URL('../../dist/agent/cli/main.js', import.meta.url));

export interface Ports {
  readonly http: number;
  readonly serf: number;
  readonly server: number;
}

/** One agent of a test, which can be ended and started again on the same folder and ports. */
export class TestAgent {
  readonly name: string;
  readonly ports: Ports;
  readonly folder: string;
  readonly #args: readonly string[];
  process: ManagedProcess;

  constructor(name: string, ports: Ports, folder: string, args: readonly string[]) {
    this.name = name;
    this.ports = ports;
    this.folder = folder;
    this.#args = args;
    this.process = this.#start();
  }

  get url(): string {
    return `http://127.0.0.1:${this.ports.http}`;
  }

  get gossip(): string {
    return `127.0.0.1:${this.ports.serf}`;
  }

  restart(): void {
    this.process = this.#start();
  }

  /** The JSON body of a 200 answer; undefined while there is none. */
  async get<T>(path: string): Promise<T | undefined> {
    const answer = await this.fetch('GET', path).catch(() => undefined);
    return answer?.status === 200 ? (JSON.parse(answer.body) as T) : undefined;
  }

  async fetch(
    method: 'GET' | 'PUT',
    path: string,
    body?: unknown,
  ): Promise<{ status: number; body: string }> {
    const answer = await request(`${this.url}${path}`, {
      method,
      headersTimeout: 15_000,
      bodyTimeout: 15_000,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.statusCode, body: await answer.body.text() };
  }

  #start(): ManagedProcess {
    return new ManagedProcess(this.name, [program, 'agent', ...this.#args]);
  }
}

/** All agents of one test. */
export class TestFleet {
  readonly folder: string;
  readonly agents: TestAgent[] = [];

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<TestFleet> {
    return new TestFleet(await mkdtemp(join(tmpdir(), 'rollcall-e2e-')));
  }

  /** Starts an agent on loopback; flags are added as they are. */
  async start(name: string, flags: readonly string[] = [], ports?: Partial<Ports>): Promise<TestAgent> {
    const own = { ...(await freePorts()), ...ports };
    const folder = join(this.folder, name);
    const agent = new TestAgent(name, own, folder, [
      ...['--node', name, '--bind', '127.0.0.1', '--client', '127.0.0.1', '--data-dir', folder],
      ...['--http-port', `${own.http}`, '--serf-port', `${own.serf}`, '--server-port', `${own.server}`],
      ...flags,
    ]);
    this.agents.push(agent);
    return agent;
  }

  /** Servers that begin a cluster together; resolves when all of them know the leader. */
  async startServers(count: number, flags: readonly string[] = []): Promise<TestAgent[]> {
    const first = await this.start('server-1', ['--server', '--bootstrap-expect', `${count}`, ...flags]);
    const servers = [first];
    for (let number = 2; number <= count; number++) {
      const join = ['--join', first.gossip];
      servers.push(
        await this.start(`server-${number}`, [
          '--server',
          '--bootstrap-expect',
          `${count}`,
          ...join,
          ...flags,
        ]),
      );
    }
    await this.until('all servers know the leader', async () => {
      const leaders = await Promise.all(servers.map((server) => server.get<string>('/v1/status/leader')));
      return leaders.every((leader) => leader !== undefined && leader !== '' && leader === leaders[0]);
    });
    return servers;
  }

  /** As `until`, and a failure shows what each agent said last. */
  async until<T>(
    what: string,
    question: () => Promise<T | undefined | false>,
    patienceMs?: number,
  ): Promise<T> {
    try {
      return await until(what, question, patienceMs);
    } catch (error) {
      const standings = this.agents.map(({ name, process: { running, lines } }) =>
        [`${name} ${running ? 'runs' : 'has ended'}`, ...lines.slice(-6)].join('\n  '),
      );
      throw new Error([what, ...standings].join('\n'), { cause: error });
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.process.kill()));
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Three ports that nobody holds. */
export async function freePorts(): Promise<Ports> {
  return { http: await freePort(), serf: await freePort(), server: await freePort() };
}

/** Waits until the question is answered with something truthy, and returns that. */
export async function until<T>(
  what: string,
  question: () => Promise<T | undefined | false> | T | undefined | false,
  patienceMs = 60_000,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const answer = await question();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${patienceMs} ms`);
    await pause(50);
  }
}

export interface Finished {
  readonly exitCode: number | null;
  readonly lines: readonly string[];
}

/** Runs a command to its end. */
export async function run(...args: string[]): Promise<Finished> {
  const process = new ManagedProcess(args[0] ?? 'rollcall', [program, ...args]);
  const exitCode = await process.ended;
  return { exitCode, lines: process.lines };
}
