/**
 * Makes checks of one agent change, one number after the other: the number is the output of the change, so the log can be
 * asked for each of them. A change that the agent has taken must come out, unless the agent was killed in the same moment.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { TestAgent } from '../agents.ts';

/** A change that was taken so shortly before the kill need not be on the disk. */
const unsettledMs = 5_000;

interface Change {
  readonly output: string;
  readonly takenMs: number;
}

/** What one check said between two ends of its agent. */
export interface Episode {
  readonly check: string;
  readonly changes: Change[];
  /** When the agent was killed; null: never. */
  killedMs: number | null;
}

export class Driver {
  readonly agent: TestAgent;
  readonly episodes: Episode[] = [];
  readonly #checks: readonly string[];
  readonly #everyMs: number;
  #current: Episode[] = [];
  #serial = 0;
  #stopped = false;
  #down = false;
  #running: Promise<void>[] = [];

  constructor(agent: TestAgent, checks: number, everyMs: number) {
    this.agent = agent;
    this.#checks = Array.from({ length: checks }, (_, number) => `check-${number}`);
    this.#everyMs = everyMs;
  }

  async start(): Promise<void> {
    for (const Name of this.#checks) {
      const answer = await this.agent.fetch('PUT', '/v1/agent/check/register', {
        Name,
        TTL: '1h',
        Status: 'passing',
      });
      if (answer.status !== 200) throw new Error(answer.body);
    }
    this.#begin();
    this.#running = this.#checks.map((check) => this.#drive(check));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** SIGKILL; then it starts again on what is on its disk. */
  async killAgent(downMs: number): Promise<void> {
    this.#down = true;
    await this.agent.process.kill();
    for (const episode of this.#current) episode.killedMs = performance.now();
    await pause(downMs);
    this.agent.restart();
    this.#begin();
    this.#down = false;
  }

  #begin(): void {
    this.#current = this.#checks.map((check) => ({ check, changes: [], killedMs: null }));
    this.episodes.push(...this.#current);
  }

  async #drive(check: string): Promise<void> {
    while (!this.#stopped) {
      await pause(this.#everyMs * (0.5 + Math.random()));
      const episode = this.#current.find((each) => each.check === check)!;
      if (this.#down) continue;
      const status = await this.#status(check);
      if (status === undefined) continue;
      const output = `#${this.agent.name}-${check}-${++this.#serial}`;
      const verb = status === 'passing' ? 'fail' : 'pass';
      const answer = await this.agent
        .fetch('PUT', `/v1/agent/check/${verb}/${check}?note=${encodeURIComponent(output)}`)
        .catch(() => undefined);
      // Nobody knows of one without an answer whether it was taken, so nothing is expected of it.
      if (answer?.status === 200) episode.changes.push({ output, takenMs: performance.now() });
    }
  }

  /** As the agent has it, so that each word turns it. */
  async #status(check: string): Promise<string | undefined> {
    const checks = await this.agent.get<Record<string, { Status: string }>>('/v1/agent/checks');
    return checks?.[check]?.Status;
  }
}

/** Numbers that the log must hold and does not. */
export function lostOf(episodes: readonly Episode[], outputs: ReadonlySet<string>): string[] {
  return episodes.flatMap(({ changes, killedMs }) =>
    changes
      .filter(({ takenMs }) => killedMs === null || takenMs < killedMs - unsettledMs)
      .filter(({ output }) => !outputs.has(output))
      .map(({ output }) => output),
  );
}
