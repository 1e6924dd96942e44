/** The demo's machines: three servers, two plain agents and the service that one of them checks. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { ManagedProcess } from './process.ts';

// The compiled demo lies in dist/examples/demo, the YAML files beside the sources.
const root = fileURLToPath(new URL('../../../', import.meta.url));
const program = join(root, 'dist/agent/cli/main.js');
const serviceProgram = fileURLToPath(new URL('./service.js', import.meta.url));

export const httpPorts: Readonly<Record<string, number>> = {
  'server-1': 18501,
  'server-2': 18502,
  'server-3': 18503,
  'web-1': 18504,
  'web-2': 18505,
};
export const agentNames = Object.keys(httpPorts);
export const serverNames = agentNames.filter((name) => name.startsWith('server-'));
export const serviceUrl = 'http://127.0.0.1:18580';

export function httpAddress(agent: string): string {
  return `http://127.0.0.1:${httpPorts[agent]}`;
}

export class Fleet {
  readonly folder: string;
  readonly #processes = new Map<string, ManagedProcess>();
  #stopping = false;
  /** Called when a process ends that nobody ended. */
  onUnexpectedEnd: (process: ManagedProcess, exitCode: number | null) => void = () => {};

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async create(): Promise<Fleet> {
    return new Fleet(await mkdtemp(join(tmpdir(), 'rollcall-demo-')));
  }

  startAgent(name: string): ManagedProcess {
    const config = join(root, 'examples/demo', `${name}.yaml`);
    return this.#start(name, [program, 'agent', '--config', config, '--data-dir', join(this.folder, name)]);
  }

  async startService(): Promise<void> {
    const service = this.#start('service', [serviceProgram, '18580']);
    await until('the service listens', 5_000, async () => service.lines.includes('ready'));
  }

  process(name: string): ManagedProcess {
    const found = this.#processes.get(name);
    if (found === undefined) throw new Error(`there is no process ${name}`);
    return found;
  }

  async kill(name: string): Promise<void> {
    const process = this.process(name);
    this.#processes.delete(name);
    await process.kill();
  }

  /** Stops everything, newest first, and removes the data folders. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#processes.values()].reverse().map((process) => process.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  #start(name: string, args: readonly string[]): ManagedProcess {
    const process = new ManagedProcess(name, args);
    this.#processes.set(name, process);
    void process.ended.then((exitCode) => {
      if (!this.#stopping && this.#processes.get(name) === process) this.onUnexpectedEnd(process, exitCode);
    });
    return process;
  }
}

/** Asks one agent; undefined while it does not answer with 200. */
export async function ask<T>(agent: string, path: string): Promise<T | undefined> {
  try {
    const answer = await request(`${httpAddress(agent)}${path}`, {
      headersTimeout: 3_000,
      bodyTimeout: 3_000,
    });
    if (answer.statusCode !== 200) {
      await answer.body.dump();
      return undefined;
    }
    return (await answer.body.json()) as T;
  } catch {
    return undefined;
  }
}

export async function setServiceMode(mode: 'ok' | 'broken'): Promise<void> {
  const answer = await request(`${serviceUrl}/mode/${mode}`, { method: 'PUT' });
  await answer.body.dump();
}

/** Waits until the question is answered with something truthy, and returns that. */
export async function until<T>(
  what: string,
  patienceMs: number,
  question: () => Promise<T | undefined | false>,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const answer = await question();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > deadline) {
      throw new Error(`${what}: not within ${(patienceMs / 1000).toFixed(0)} s`);
    }
    await pause(50);
  }
}

interface MemberAnswer {
  readonly Name: string;
  readonly Addr: string;
  readonly Port: number;
  readonly Status: number;
  readonly Tags: Readonly<Record<string, string>>;
}

export async function members(agent: string): Promise<readonly MemberAnswer[]> {
  return (await ask<MemberAnswer[]>(agent, '/v1/agent/members')) ?? [];
}

/** Name of the agent that leads, as this agent sees it. */
export async function leaderName(agent: string): Promise<string | undefined> {
  const address = await ask<string>(agent, '/v1/status/leader');
  // The demo's RPC ports are 18301 to 18303.
  const number = address?.match(/:1830(\d)$/)?.[1];
  return number === undefined ? undefined : `server-${number}`;
}

/** Everybody sees everybody, a leader leads, and the catalog knows all nodes and both checks. */
export async function formed(): Promise<string | undefined> {
  const views = await Promise.all(agentNames.map((name) => members(name)));
  if (!views.every((view) => view.filter((member) => member.Status === 1).length === agentNames.length)) {
    return undefined;
  }
  const nodes = await ask<unknown[]>('web-1', '/v1/catalog/nodes');
  const passing = await ask<Array<{ CheckID: string }>>('web-1', '/v1/health/state/passing');
  const known = passing?.map((check) => check.CheckID) ?? [];
  if (
    nodes?.length !== agentNames.length ||
    !known.includes('service:shop') ||
    !known.includes('disk-root')
  ) {
    return undefined;
  }
  return leaderName('web-1');
}
