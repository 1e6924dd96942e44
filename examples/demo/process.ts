/** Child processes of the demo and of the end-to-end tests: started, watched, ended by pid, never forgotten. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Lines of a child that are kept for the message when it ends unexpectedly. */
const linesKept = 200;

export class ManagedProcess {
  readonly name: string;
  /** The newest lines of stdout and stderr, oldest first. */
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;

  /** Starts `node` with these arguments. */
  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    this.name = name;
    this.#child = spawn(process.execPath, args, {
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#ended = once(this.#child, 'close').then(() => this.#child.exitCode);
    // A child that is gone must not take the demo with it.
    this.#child.stdin?.on('error', () => {});
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Exit code, or null when a signal ended it. */
  get ended(): Promise<number | null> {
    return this.#ended;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.running) this.#child.kill(signal);
  }

  /** SIGKILL, and wait until it is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.#ended;
  }

  /** SIGTERM, then SIGKILL when it has not ended in time. */
  async stop(patienceMs = 8_000): Promise<void> {
    this.signal('SIGTERM');
    const impatient = setTimeout(() => this.signal('SIGKILL'), patienceMs);
    await this.#ended;
    clearTimeout(impatient);
  }

  #keep(text: string): void {
    this.lines.push(...text.split('\n').filter((line) => line !== ''));
    if (this.lines.length > linesKept) this.lines.splice(0, this.lines.length - linesKept);
  }
}
