/**
 * Is the other side still there? After a while of silence it is asked, and after three questions without a word it is
 * given up. Unanswered questions are counted and time is not measured, so that a pause of our own accuses nobody.
 */
import type { Clock, Timer } from '../../proto/ports.ts';

/** Silence after which the other side is asked. */
export const keepaliveMs = 5_000;
export const missedPingsMax = 3;

export class Keepalive {
  readonly #clock: Clock;
  readonly #ping: () => void;
  readonly #onSilent: () => void;
  #heard = true;
  #missed = 0;
  #timer: Timer;

  constructor(clock: Clock, ping: () => void, onSilent: () => void) {
    this.#clock = clock;
    this.#ping = ping;
    this.#onSilent = onSilent;
    this.#timer = this.#again();
  }

  heard(): void {
    this.#heard = true;
  }

  stop(): void {
    this.#timer.cancel();
  }

  #again(): Timer {
    return this.#clock.after(keepaliveMs, () => this.#look());
  }

  #look(): void {
    if (!this.#heard && this.#missed === missedPingsMax) {
      this.#onSilent();
      return;
    }
    if (!this.#heard) this.#ping();
    this.#missed = this.#heard ? 0 : this.#missed + 1;
    this.#heard = false;
    this.#timer = this.#again();
  }
}
