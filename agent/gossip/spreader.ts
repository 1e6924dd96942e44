/**
 * Carries news to others: at once when something new is heard, and then in regular rounds for as long as there is
 * something to tell. Both draw from one budget that fills at the pace of the rounds, so prompt news does not cost more
 * packets, it only costs them earlier.
 *
 * Whom we tell goes round the member list, which is in random order and another one at each member: as good as chance,
 * except that nobody hears the same from us twice before all have heard it once.
 */
import type { Deadline } from './deadlines.ts';
import type { Parts } from './parts.ts';

/** Rounds that may follow each other without a pause. */
const burstRounds = 3;
/** One that died or left a moment ago may be there after all, and has to hear of it: every so many rounds. */
const deadEveryRounds = 4;

export class Spreader {
  readonly #parts: Parts;
  #started = false;
  #next: Deadline | null = null;
  /** The next round is one that came before its time. */
  #hurried = false;
  #rounds = burstRounds;
  #filledAtMs = 0;
  #told = 0;
  #cursor = 0;

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
    // With nobody to tell, news waits for the first member to come, which is news itself.
    if (this.#tellSome() === 0) return;
    if (outbox.broadcasts.size > 0) this.#next = deadlines.after(config.gossipIntervalMs, this.#onRound);
  };

  #fill(): void {
    const { config, deadlines } = this.#parts;
    const nowMs = deadlines.nowMs();
    this.#rounds = Math.min(burstRounds, this.#rounds + (nowMs - this.#filledAtMs) / config.gossipIntervalMs);
    this.#filledAtMs = nowMs;
  }

  #tellSome(): number {
    const { members, outbox } = this.#parts;
    const targets = this.#nextOnes();
    if (this.#told % deadEveryRounds === 0) targets.push(...this.#someDead());
    this.#told += 1;
    for (const number of targets) outbox.gossip(members.record(number));
    return targets.length;
  }

  #nextOnes(): number[] {
    const { config, members, self } = this.#parts;
    const { order } = members;
    const targets: number[] = [];
    for (let looked = 0; looked < order.length && targets.length < config.gossipNodes; looked++) {
      this.#cursor = (this.#cursor + 1) % order.length;
      const number = order[this.#cursor]!;
      const belief = members.belief(number);
      if (number !== self.number && (belief === 'alive' || belief === 'suspect')) targets.push(number);
    }
    return targets;
  }

  #someDead(): number[] {
    const { config, deadlines, members, self } = this.#parts;
    if (members.aliveCount === members.count) return [];
    const oldMs = deadlines.nowMs() - config.gossipToTheDeadMs;
    return members.pick(1, (number) => {
      const belief = members.belief(number);
      const gone = belief === 'dead' || belief === 'left';
      return gone && number !== self.number && members.sinceMs(number) > oldMs;
    });
  }
}
