/** A real program of a benchmark, ended with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

export class Program {
  readonly #child: ChildProcess;
  #failure: Error | null = null;

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
    this.#child.on('error', (error) => {
      this.#failure = error;
    });
  }

  get pid(): number {
    if (this.#failure !== null) throw this.#failure;
    return this.#child.pid ?? 0;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#failure !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await ended;
  }
}

/** Asks until there is an answer; a refused connection is none. */
export async function until<T>(
  what: string,
  question: () => Promise<T | undefined>,
  patienceMs = 30_000,
): Promise<T> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const answer = await question().catch(() => undefined);
    if (answer !== undefined) return answer;
    if (performance.now() > deadlineMs) throw new Error(`${what}: not within ${patienceMs} ms`);
    await pause(100);
  }
}
