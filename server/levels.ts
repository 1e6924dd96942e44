/**
 * The leader's care for what may be written: when every voter and every learner has announced a newer level of commands
 * than the cluster has agreed on, the agreement is raised. It never falls, so a server that cannot follow is not taken in.
 */
import { isExpected } from '../proto/errors.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import type { Membership, ServerId } from '../proto/raft.ts';
import type { Rpc } from '../proto/rpc.ts';
import type { CommandBody } from '../proto/schema/command.ts';

export interface LevelsPorts {
  readonly id: ServerId;
  readonly clock: Clock;
  /** What this server can apply, and what the cluster has agreed on. */
  readonly own: number;
  agreed(): number;
  membership(): Membership;
  rpc(server: ServerId): Rpc;
  propose(body: CommandBody): Promise<unknown>;
}

const intervalMs = 1_000;
const callTimeoutMs = 2_000;

export class Levels {
  readonly #ports: LevelsPorts;
  #timer: Timer | null = null;

  constructor(ports: LevelsPorts) {
    this.#ports = ports;
  }

  lead(): void {
    this.follow();
    this.#look(0);
  }

  follow(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #look(delayMs: number): void {
    if (this.#ports.agreed() >= this.#ports.own) return;
    const timer = this.#ports.clock.after(delayMs, async () => {
      await this.#raise();
      if (this.#timer === timer) this.#look(intervalMs);
    });
    this.#timer = timer;
  }

  async #raise(): Promise<void> {
    const { agreed, membership, propose } = this.#ports;
    const { voters, outgoing, learners } = membership();
    try {
      const all = new Set([...voters, ...(outgoing ?? []), ...learners]);
      const level = Math.min(...(await Promise.all([...all].map((id) => this.#levelOf(id)))));
      // Somebody may have come meanwhile; the next look asks it as well.
      const now = membership();
      const isSame = [...now.voters, ...now.learners].every((id) => all.has(id));
      if (isSame && level > agreed()) await propose({ kind: 'level.raise', v: 1, level });
    } catch (error) {
      // Not all of them are there.
      if (!isExpected(error)) throw error;
    }
  }

  /** One that does not say was made before there were levels. */
  async #levelOf(id: ServerId): Promise<number> {
    const { own, rpc } = this.#ports;
    if (id === this.#ports.id) return own;
    const { level = 1 } = await rpc(id).call('bootstrap.status', {}, { timeoutMs: callTimeoutMs });
    return level;
  }
}
