/**
 * The leader's duty towards the disk: events that are too many or too old go, by a command in the log, so that all servers
 * keep the same ones and every reader is told of the same gap.
 */
import { isExpected } from '../proto/errors.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import type { CommandBody } from '../proto/schema/command.ts';
import { countEvents, type Gap, passEvents } from './gaps.ts';
import type { EventSource } from './subscription.ts';

export interface RetentionLimits {
  /** Default 1,000,000. */
  readonly eventsMax: number;
  /** Default 30 days. */
  readonly ageMs: number;
}

export const retentionLimits: RetentionLimits = { eventsMax: 1_000_000, ageMs: 30 * 24 * 60 * 60 * 1000 };

export interface RetentionPorts {
  readonly clock: Clock;
  readonly events: Pick<EventSource, 'read' | 'first' | 'last'>;
  /** Of the state machine: numbers that count for no event. */
  gaps(): readonly Gap[];
  propose(body: CommandBody): Promise<unknown>;
}

const intervalMs = 60_000;
/** Trimming event by event would cost a command each: this share of the limit may be kept beyond it. */
const slackShare = 0.01;

export class Retention {
  readonly #ports: RetentionPorts;
  readonly #limits: RetentionLimits;
  #timer: Timer | null = null;

  constructor(ports: RetentionPorts, limits: Partial<RetentionLimits> = {}) {
    this.#ports = ports;
    this.#limits = { ...retentionLimits, ...limits };
  }

  lead(): void {
    this.follow();
    this.#timer = this.#ports.clock.after(intervalMs, () => {
      this.lead();
      void this.#trim();
    });
  }

  follow(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  async #trim(): Promise<void> {
    const { events, propose } = this.#ports;
    try {
      const firstKept = Math.max(this.#firstByCount(), await this.#firstByAge());
      if (firstKept > events.first) await propose({ kind: 'events.trim', v: 1, firstKept });
    } catch (error) {
      // No longer the leader, or the log was trimmed under us: the next leader looks again in a minute.
      if (!isExpected(error)) throw error;
    }
  }

  #firstByCount(): number {
    const { first, last } = this.#ports.events;
    const gaps = this.#ports.gaps();
    const excess = countEvents(gaps, first, last) - this.#limits.eventsMax;
    return excess > this.#limits.eventsMax * slackShare ? passEvents(gaps, first, excess) : first;
  }

  /** First event that is young enough; times never fall along the log, so halving finds it. */
  async #firstByAge(): Promise<number> {
    const { events, clock } = this.#ports;
    const oldestMs = clock.wallMs() - this.#limits.ageMs;
    let low = events.first;
    let high = events.last + 1;
    if (low >= high || (await this.#timeOf(low)) >= oldestMs) return low;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if ((await this.#timeOf(middle)) < oldestMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  async #timeOf(offset: number): Promise<number> {
    const [stored] = await this.#ports.events.read(offset - 1, { limit: 1, bytesMax: 1 });
    return stored === undefined ? Number.POSITIVE_INFINITY : Date.parse(stored.event.Time);
  }
}
