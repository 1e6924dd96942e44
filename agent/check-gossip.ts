/**
 * Every change of a check of this host is told by gossip as well, so that all agents hear of it while no server is alive;
 * but for its first good result, which is no news that anybody waits for and would crowd out all others when a fleet starts.
 * At most one a second, five at once after a silence: what a host in trouble adds to the load of the cluster is bounded.
 */
import type { Clock, Timer } from '../proto/ports.ts';
import { checkEventName, encodeCheckNews } from './check-news.ts';
import type { StatusMove } from './local-state.ts';
import { NewsQueue } from './news-queue.ts';

export interface CheckGossipPorts {
  readonly node: string;
  readonly clock: Clock;
  /** Sends a user event; losing it is no failure. */
  fire(name: string, payload: Uint8Array): void;
}

export interface CheckGossipCounts {
  readonly told: number;
  readonly omitted: number;
  readonly waiting: number;
}

/** Checks that wait to be told; at one a second a longer queue would be old news. */
const waitingMax = 256;

export class CheckGossip {
  readonly #ports: CheckGossipPorts;
  readonly #queue = new NewsQueue<StatusMove>({ burst: 5, intervalMs: 1_000, waitingMax });
  #timer: Timer | null = null;
  #told = 0;
  #omitted = 0;
  /** Left out, and not yet told. */
  #untold = 0;

  constructor(ports: CheckGossipPorts) {
    this.#ports = ports;
  }

  receive(move: StatusMove): void {
    if (move.from === 'pending' && move.to === 'passing') return;
    this.#queue.put(move.check.id, move);
    this.#tellDue();
  }

  counts(): CheckGossipCounts {
    return { told: this.#told, omitted: this.#omitted, waiting: this.#queue.length };
  }

  stop(): void {
    this.#timer?.cancel();
  }

  #tellDue(): void {
    const { clock } = this.#ports;
    for (;;) {
      const taken = this.#queue.take(clock.nowMs());
      if (taken === undefined) break;
      this.#omitted += taken.omitted;
      this.#untold += taken.omitted;
      this.#tell(taken.item);
    }
    this.#timer?.cancel();
    const dueInMs = this.#queue.dueInMs(clock.nowMs());
    this.#timer = dueInMs === null ? null : clock.after(dueInMs, () => this.#tellDue());
  }

  #tell({ check, from, to, output, cause, observedAtMs }: StatusMove): void {
    const payload = encodeCheckNews({
      node: this.#ports.node,
      service: check.serviceId,
      check: check.id,
      from,
      to,
      cause,
      output,
      observedAtMs,
      omitted: this.#untold,
    });
    if (payload === undefined) {
      this.#omitted += 1;
      this.#untold += 1;
      return;
    }
    this.#ports.fire(checkEventName, payload);
    this.#told += 1;
    this.#untold = 0;
  }
}
