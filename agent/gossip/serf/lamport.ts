/** Order without clocks: what was said in the knowledge of something has a greater time than it. */
import { wideIntegerMax } from '../../../proto/gossip/messages.ts';

export class LamportClock {
  /** The next time to be used. */
  #next = 1;

  get next(): number {
    return this.#next;
  }

  /** Takes the next time for something of our own. */
  take(): number {
    const time = this.#next;
    this.witness(time);
    return time;
  }

  /** Somebody has used this time: ours is later from now on. The end of the range is never reached by honest use. */
  witness(time: number): void {
    if (time >= this.#next) this.#next = Math.min(time, wideIntegerMax - 1) + 1;
  }
}
