/**
 * Carries news to random members: at once when something new is heard, and then in regular rounds for as long as there is
 * something to tell. Both draw from one budget that fills at the pace of the rounds, so prompt news does not cost more
 * packets, it only costs them earlier.
 */
import type { Deadline } from './deadlines.ts';
import type { Parts } from './parts.ts';

/** Rounds that may follow each other without a pause. */
const burstRounds = 3;

export class Spreader {
  readonly #parts: Parts;
  #started = false;
  #next: Deadline | null = null;
  /** The next round is one that came before its time. */
  #hurried = false;
  #rounds = burstRounds;
  #filledAtMs = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    this.#started = true;
    this.#filledAtMs = this.#parts.deadlines.nowMs();
  }

  stop(): void {
    this.#started = false;
    this.#next?.cancel();
  }

  /** There is something new to tell. Whatever else is learned from the same packet leaves in the same round. */
  onNews(): void {
    if (!this.#started || this.#hurried) return;
    this.#fill();
    if (this.#rounds >= 1) {
      this.#next?.cancel();
      this.#hurried = true;
      this.#next = this.#parts.deadlines.after(0, this.#onRound);
    } else this.#next ??= this.#parts.deadlines.after(this.#parts.config.gossipIntervalMs, this.#onRound);
  }

  readonly #onRound = (): void => {
    const { config, deadlines, outbox } = this.#parts;
    this.#next = null;
    this.#hurried = false;
    if (outbox.broadcasts.size === 0) return;
    this.#fill();
    this.#rounds -= 1;
    this.#tellSome();
    if (outbox.broadcasts.size > 0) this.#next = deadlines.after(config.gossipIntervalMs, this.#onRound);
  };

  #fill(): void {
    const { config, deadlines } = this.#parts;
    const nowMs = deadlines.nowMs();
    this.#rounds = Math.min(burstRounds, this.#rounds + (nowMs - this.#filledAtMs) / config.gossipIntervalMs);
    this.#filledAtMs = nowMs;
  }

  #tellSome(): void {
    const { config, deadlines, members, outbox, self } = this.#parts;
    const oldMs = deadlines.nowMs() - config.gossipToTheDeadMs;
    const targets = members.pick(config.gossipNodes, (number) => {
      if (number === self.number) return false;
      const belief = members.belief(number);
      // One that died or left a moment ago may be there after all, and then has to hear what is said of it.
      return belief === 'alive' || belief === 'suspect' || members.sinceMs(number) > oldMs;
    });
    for (const number of targets) outbox.gossip(members.record(number));
  }
}
