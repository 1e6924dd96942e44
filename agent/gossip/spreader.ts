/**
 * Carries news to random members: at every tick, and at once when something new is heard. Both draw from one budget
 * that fills at the rate of the ticks, so prompt news does not cost more packets, it only costs them earlier.
 */
import type { Deadline } from './deadlines.ts';
import type { Parts } from './parts.ts';

/** Rounds that may follow each other without a pause. */
const burstRounds = 3;

export class Spreader {
  readonly #parts: Parts;
  #rounds = burstRounds;
  #filledAtMs = 0;
  #prompt: Deadline | null = null;
  #tick: Deadline | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  start(): void {
    const { config, deadlines, random } = this.#parts;
    this.#filledAtMs = deadlines.nowMs();
    this.#tick = deadlines.after(random.unit() * config.gossipIntervalMs, this.#onTick);
  }

  stop(): void {
    this.#tick?.cancel();
    this.#prompt?.cancel();
  }

  /** There is something new to tell. */
  onNews(): void {
    if (this.#prompt !== null || this.#tick === null) return;
    // Whatever else is learned from the same packet leaves in the same round.
    this.#prompt = this.#parts.deadlines.after(0, this.#onPrompt);
  }

  readonly #onTick = (): void => {
    this.#tick = this.#parts.deadlines.after(this.#parts.config.gossipIntervalMs, this.#onTick);
    this.#round();
  };

  readonly #onPrompt = (): void => {
    this.#prompt = null;
    this.#round();
  };

  #round(): void {
    const { config, deadlines, members, outbox, self } = this.#parts;
    const nowMs = deadlines.nowMs();
    this.#rounds = Math.min(burstRounds, this.#rounds + (nowMs - this.#filledAtMs) / config.gossipIntervalMs);
    this.#filledAtMs = nowMs;
    // Half a round is forgiven: ticks are not that punctual.
    if (outbox.broadcasts.size === 0 || this.#rounds < 0.5) return;
    this.#rounds -= 1;
    const oldMs = nowMs - config.gossipToTheDeadMs;
    const targets = members.pick(config.gossipNodes, (number) => {
      if (number === self.number) return false;
      const belief = members.belief(number);
      // One that died or left a moment ago may be there after all, and then has to hear what is said of it.
      return belief === 'alive' || belief === 'suspect' || members.sinceMs(number) > oldMs;
    });
    for (const number of targets) outbox.gossip(members.record(number));
  }
}
