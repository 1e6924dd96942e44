/**
 * One process on a virtual host: its clock, and what waits for it. A paused process (SIGSTOP) misses its timers
 * and leaves its packets in the socket; when it goes on it runs the timers first, late, and then reads, as an
 * event loop does. A stopped one (SIGKILL) does neither ever again. A muted one goes on, but no message gets in or out.
 */
import type { Clock, Timer } from '../../proto/ports.ts';

/** What a socket buffer holds while nobody reads it, or nothing can leave it; the rest is lost. */
const boxMax = 1_000;

export class VirtualProcess implements Clock {
  readonly #world: Clock;
  #state: 'running' | 'paused' | 'stopped' = 'running';
  #missed: (() => void)[] = [];
  #inbox: (() => void)[] = [];
  #outbox: (() => void)[] = [];
  #muted = false;

  constructor(world: Clock) {
    this.#world = world;
  }

  get running(): boolean {
    return this.#state === 'running';
  }

  /** Takes what comes as it comes. */
  get listening(): boolean {
    return this.running && !this.#muted;
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
    if (this.listening) read();
    else if (this.#state !== 'stopped' && this.#inbox.length < boxMax) this.#inbox.push(read);
  }

  /** Something leaves. */
  emit(send: () => void): void {
    if (this.#state === 'stopped') return;
    if (!this.#muted) send();
    else if (this.#outbox.length < boxMax) this.#outbox.push(send);
  }

  /** Its clock goes on, its messages wait. */
  mute(): void {
    this.#muted = true;
  }

  unmute(): void {
    this.#muted = false;
    const waiting = [...this.#outbox.map((send) => () => this.emit(send)), ...this.#takeInbox()];
    this.#outbox = [];
    for (const run of waiting) this.#world.after(0, run);
  }

  pause(): void {
    if (this.#state === 'running') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'running';
    const waiting = [...this.#missed, ...this.#takeInbox()];
    this.#missed = [];
    for (const run of waiting) this.#world.after(0, run);
  }

  stop(): void {
    this.#state = 'stopped';
    this.#missed = [];
    this.#inbox = [];
    this.#outbox = [];
  }

  #takeInbox(): (() => void)[] {
    return this.#inbox.splice(0).map((read) => () => this.deliver(read));
  }
}
