/**
 * One process on a virtual host: its clock, and what waits for it. A paused process (SIGSTOP) misses its timers
 * and leaves its packets in the socket; when it goes on it runs the timers first, late, and then reads, as an
 * event loop does. A stopped one (SIGKILL) does neither ever again.
 */
import type { Clock, Timer } from '../../proto/ports.ts';

/** What a socket buffer holds while nobody reads it; the rest is lost. */
const inboxMax = 1_000;

export class VirtualProcess implements Clock {
  readonly #world: Clock;
  #state: 'running' | 'paused' | 'stopped' = 'running';
  #missed: (() => void)[] = [];
  #inbox: (() => void)[] = [];

  constructor(world: Clock) {
    this.#world = world;
  }

  get running(): boolean {
    return this.#state === 'running';
  }

  get stopped(): boolean {
    return this.#state === 'stopped';
  }

  nowMs(): number {
    return this.#world.nowMs();
  }

  wallMs(): number {
    return this.#world.wallMs();
  }

  after(delayMs: number, run: () => void): Timer {
    let cancelled = false;
    const guarded = () => {
      if (cancelled || this.#state === 'stopped') return;
      if (this.#state === 'paused') this.#missed.push(guarded);
      else run();
    };
    const timer = this.#world.after(delayMs, guarded);
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** Something arrived from outside. */
  deliver(read: () => void): void {
    if (this.#state === 'running') read();
    else if (this.#state === 'paused' && this.#inbox.length < inboxMax) this.#inbox.push(read);
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const waiting = [...this.#missed, ...this.#inbox.map((read) => () => this.deliver(read))];
    this.#missed = [];
    this.#inbox = [];
    for (const run of waiting) this.#world.after(0, run);
  }

  stop(): void {
    this.#state = 'stopped';
    this.#missed = [];
    this.#inbox = [];
  }
}
