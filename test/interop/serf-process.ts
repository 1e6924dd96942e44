/**
 * Stock `serf agent` processes on loopback, as the other side of a test. Everything a test needs of one goes
 * through its own command line, so that what we see is what its users see.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../ports.ts';

const run = promisify(execFile);

const commandTimeoutMs = 20_000;

export interface SerfOptions {
  readonly name: string;
  /** An address of the loopback net; 127.0.0.1 unless told otherwise. */
  readonly addr?: string;
  /** A free one unless told otherwise. */
  readonly port?: number;
  /** Base64 of 16, 24 or 32 bytes. */
  readonly encryptKey?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** On unless told otherwise, as Serf has it. */
  readonly compression?: boolean;
  /** `lan` unless told otherwise. */
  readonly profile?: 'lan' | 'wan' | 'local';
  /** Serf protocol, 2 to 5; its newest unless told otherwise. */
  readonly protocol?: number;
  /** `host:port` of agents that it joins when it starts. */
  readonly join?: readonly string[];
  /** Such as `user:deploy=cat > payload` or `query:uptime=echo 5`; they run in `SerfProcess.folder`. */
  readonly eventHandlers?: readonly string[];
  /** Further arguments of `serf agent`. */
  readonly extra?: readonly string[];
}

export interface SerfMember {
  readonly name: string;
  /** `host:port` */
  readonly addr: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly status: 'none' | 'alive' | 'leaving' | 'left' | 'failed';
}

/** What `serf query` collected. */
export interface SerfAnswers {
  readonly acks: readonly string[];
  readonly responses: Readonly<Record<string, string>>;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Resolves when the agent answers commands; rejects with its log when it ends before. */
export async function startSerf(options: SerfOptions): Promise<SerfProcess> {
  const addr = options.addr ?? '127.0.0.1';
  const port = options.port ?? (await freePort(addr));
  const rpcAddress = `127.0.0.1:${await freePort('127.0.0.1')}`;
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-serf-'));
  const child = spawn('serf', agentArguments(options, addr, port, rpcAddress), {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const serf = new SerfProcess({ name: options.name, addr, port, rpcAddress, folder, child });
  await serf.waitForLog('Serf agent running!');
  return serf;
}

export class SerfProcess {
  readonly name: string;
  readonly addr: string;
  readonly port: number;
  /** Where its event handlers run; gone when the agent is stopped. */
  readonly folder: string;
  readonly #rpcAddress: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #log = '';

  constructor(options: {
    readonly name: string;
    readonly addr: string;
    readonly port: number;
    readonly rpcAddress: string;
    readonly folder: string;
    readonly child: ChildProcess;
  }) {
    const { child } = options;
    this.name = options.name;
    this.addr = options.addr;
    this.port = options.port;
    this.folder = options.folder;
    this.#rpcAddress = options.rpcAddress;
    this.#child = child;
    running.add(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        this.#log += chunk;
      });
    }
    this.#ended = new Promise((resolve) => {
      child.once('exit', () => {
        running.delete(child);
        resolve();
      });
    });
  }

  get hostPort(): string {
    return `${bracketed(this.addr)}:${this.port}`;
  }

  /** All that it has written so far, at level debug. */
  get log(): string {
    return this.#log;
  }

  get hasEnded(): boolean {
    return !running.has(this.#child);
  }

  async members(): Promise<readonly SerfMember[]> {
    return JSON.parse(await this.command('members', '-format=json')).members;
  }

  /** What it thinks of one member; undefined when it does not know it. */
  async statusOf(name: string): Promise<SerfMember['status'] | undefined> {
    return (await this.members()).find((member) => member.name === name)?.status;
  }

  async join(...hostPorts: string[]): Promise<void> {
    await this.command('join', ...hostPorts);
  }

  async event(
    name: string,
    payload = '',
    options: { coalesce: boolean } = { coalesce: false },
  ): Promise<void> {
    await this.command('event', `-coalesce=${options.coalesce}`, name, payload);
  }

  /** `flags` such as `-node=web-1`, `-tag=role=web`, `-relay-factor=2`, `-timeout=1s`. */
  async query(name: string, payload = '', flags: readonly string[] = []): Promise<SerfAnswers> {
    const output = JSON.parse(await this.command('query', '-format=json', ...flags, name, payload));
    return { acks: output.Acks ?? [], responses: output.Responses ?? {} };
  }

  /** `-list`, `-install=KEY`, `-use=KEY` or `-remove=KEY`; resolves to what it printed, also when it failed. */
  async keys(flag: string): Promise<string> {
    return this.command('keys', flag).catch((error) => `${error.stdout}${error.stderr}`);
  }

  async setTags(tags: Readonly<Record<string, string>>, removed: readonly string[] = []): Promise<void> {
    const set = Object.entries(tags).flatMap(([key, value]) => ['-set', `${key}=${value}`]);
    await this.command('tags', ...set, ...removed.flatMap((key) => ['-delete', key]));
  }

  async forceLeave(name: string, options: { prune: boolean } = { prune: false }): Promise<void> {
    await this.command('force-leave', ...(options.prune ? ['-prune'] : []), name);
  }

  /** Says goodbye and waits for its end. */
  async leave(): Promise<void> {
    await this.command('leave');
    await this.stop();
  }

  /** SIGSTOP: silent, but its sockets stay. */
  pause(): void {
    this.#child.kill('SIGSTOP');
  }

  resume(): void {
    this.#child.kill('SIGCONT');
  }

  /** SIGKILL, and gone when this resolves. Its folder is removed. */
  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What an event handler has written into `folder`, or undefined. */
  handlerOutput(file: string): string | undefined {
    try {
      return readFileSync(join(this.folder, file), 'utf8');
    } catch {
      return undefined;
    }
  }

  /** Any other `serf` command against this agent; resolves to what it printed. */
  async command(command: string, ...args: string[]): Promise<string> {
    const all = [command, `-rpc-addr=${this.#rpcAddress}`, ...args];
    const { stdout } = await run('serf', all, { timeout: commandTimeoutMs });
    return stdout;
  }

  async waitForLog(text: string, timeoutMs = 10_000): Promise<void> {
    const isThere = () => this.#log.includes(text);
    await until(`"${text}" in the log of ${this.name}`, () => isThere() || this.hasEnded, timeoutMs);
    if (!isThere()) throw new Error(`serf agent ${this.name} ended:\n${this.#log}`);
  }
}

/** Looks again and again until there is something to see, and returns it; rejects when the time is up. */
export async function until<T>(
  what: string,
  look: () => T | undefined | false | Promise<T | undefined | false>,
  timeoutMs = 40_000,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadline) throw new Error(`${what} has not come within ${timeoutMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function agentArguments(options: SerfOptions, addr: string, port: number, rpcAddress: string): string[] {
  return [
    'agent',
    `-node=${options.name}`,
    `-bind=${bracketed(addr)}:${port}`,
    `-rpc-addr=${rpcAddress}`,
    '-log-level=debug',
    `-profile=${options.profile ?? 'lan'}`,
    ...(options.encryptKey === undefined ? [] : [`-encrypt=${options.encryptKey}`]),
    ...(options.protocol === undefined ? [] : [`-protocol=${options.protocol}`]),
    ...(options.compression === false ? ['-disable-compression'] : []),
    ...Object.entries(options.tags ?? {}).flatMap(([key, value]) => ['-tag', `${key}=${value}`]),
    ...(options.join ?? []).map((hostPort) => `-join=${hostPort}`),
    ...(options.eventHandlers ?? []).map((handler) => `-event-handler=${handler}`),
    ...(options.extra ?? []),
  ];
}

function bracketed(addr: string): string {
  return addr.includes(':') ? `[${addr}]` : addr;
}
