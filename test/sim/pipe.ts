/** One direction of a connection: everything arrives, once and in order, or the connection is lost. */
import type { Clock } from '../../proto/ports.ts';
import type { VirtualNetwork } from './network.ts';
import type { VirtualProcess } from './process.ts';
import type { Trace } from './trace.ts';

export interface PipeWorld {
  readonly clock: Clock;
  readonly network: VirtualNetwork;
  readonly trace: Trace;
}

export interface PipeEnd {
  readonly site: string;
  readonly process: VirtualProcess;
}

/** While the way is cut, what is under way is sent again so often. */
const retransmitMs = 200;
/** Longest time that retransmissions on a bad way cost. */
const delayMsMax = 5_000;

export class Pipe {
  readonly #world: PipeWorld;
  readonly #from: PipeEnd;
  readonly #to: PipeEnd;
  #waiting: (() => void)[] = [];
  #underWay = false;
  #closed = false;

  constructor(world: PipeWorld, from: PipeEnd, to: PipeEnd) {
    this.#world = world;
    this.#from = from;
    this.#to = to;
  }

  /** What a process says after its end is never heard. */
  push(arrive: () => void): void {
    if (this.#closed || this.#from.process.stopped) return;
    this.#waiting.push(arrive);
    if (this.#underWay) return;
    this.#underWay = true;
    this.#arriveIn(Math.min(delayMsMax, this.#world.network.streamDelayMs()));
  }

  close(): void {
    this.#closed = true;
    this.#waiting = [];
  }

  #arriveIn(delayMs: number): void {
    this.#world.clock.after(delayMs, () => {
      const { clock, network, trace } = this.#world;
      if (this.#closed) return;
      if (!network.reaches(this.#from.site, this.#to.site)) {
        this.#arriveIn(retransmitMs);
        return;
      }
      trace.mix(Math.round(clock.nowMs() * 1_000) | 0);
      this.#underWay = false;
      for (const arrive of this.#waiting.splice(0)) {
        this.#to.process.deliver(() => {
          if (!this.#closed) arrive();
        });
      }
    });
  }
}
