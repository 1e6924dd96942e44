/**
 * What members say they are about to do: "I join", "I leave". An intent tells a goodbye from a failure, because the
 * failure detector alone sees only that somebody is gone. The newest intent about a member counts.
 */
import type { SerfJoin, SerfLeave } from '../../../proto/gossip/messages.ts';
import type { Parts } from '../parts.ts';
import type { LamportClock } from './lamport.ts';
import type { Roll } from './roll.ts';

type Intent = SerfJoin | SerfLeave;

interface Buffered {
  readonly type: Intent['type'];
  readonly ltime: number;
  readonly atMs: number;
}

export interface IntentReports {
  /** A member that had failed is called left now, by somebody's order. */
  onLeft(number: number): void;
  /** Forget the member altogether. */
  onPruned(number: number): void;
  /** An intent of ours that we have not sent, at least not in this life: say how it is. */
  onWrongAboutUs(): void;
}

export class Intents {
  readonly #parts: Parts;
  readonly #clock: LamportClock;
  readonly #roll: Roll;
  readonly #reports: IntentReports;
  /** Intents about members that nobody has seen yet: packets may overtake each other. */
  readonly #early = new Map<string, Buffered>();

  constructor(options: { parts: Parts; clock: LamportClock; roll: Roll; reports: IntentReports }) {
    this.#parts = options.parts;
    this.#clock = options.clock;
    this.#roll = options.roll;
    this.#reports = options.reports;
  }

  /** True when it was news and has to be passed on. */
  hear(intent: Intent): boolean {
    this.#clock.witness(intent.ltime);
    const number = this.#roll.numberOf(intent.node);
    if (number === undefined) return this.#buffer(intent);
    if (intent.ltime <= this.#roll.ltime(number)) return false;
    const { self } = this.#parts;
    if (number === self.number && self.state === 'present') {
      this.#reports.onWrongAboutUs();
      return false;
    }
    return intent.type === 'serf.join' ? this.#hearJoin(number, intent) : this.#hearLeave(number, intent);
  }

  /** A member that was unknown has appeared: what had been said about it counts now. */
  onFirstSeen(number: number): void {
    const name = this.#roll.record(number).name;
    const early = this.#early.get(name);
    this.#roll.setStatus(number, early?.type === 'serf.leave' ? 'leaving' : 'alive');
    this.#roll.setLtime(number, early?.ltime ?? 0);
    this.#early.delete(name);
  }

  dropOld(): void {
    const oldMs = this.#parts.deadlines.nowMs() - this.#parts.config.recentIntentTimeoutMs;
    for (const [name, { atMs }] of this.#early) if (atMs <= oldMs) this.#early.delete(name);
  }

  #hearJoin(number: number, intent: SerfJoin): boolean {
    this.#roll.setJoining(number, intent.ltime);
    return true;
  }

  #hearLeave(number: number, intent: SerfLeave): boolean {
    this.#roll.setLtime(number, intent.ltime);
    const status = this.#roll.status(number);
    if (status === 'alive') this.#roll.setStatus(number, 'leaving');
    if (status === 'failed') {
      this.#roll.setStatus(number, 'left');
      this.#reports.onLeft(number);
    }
    if (intent.prune) this.#prune(number);
    return true;
  }

  /** A member that is just leaving is forgotten only when its goodbye is through. */
  #prune(number: number): void {
    const { config, deadlines } = this.#parts;
    const name = this.#roll.record(number).name;
    const forget = () => {
      const still = this.#roll.numberOf(name);
      if (still !== undefined && this.#roll.status(still) === 'left') this.#reports.onPruned(still);
    };
    if (this.#roll.status(number) === 'leaving') {
      deadlines.after(config.broadcastTimeoutMs + config.leavePropagateMs, forget);
    } else forget();
  }

  #buffer({ type, ltime, node }: Intent): boolean {
    const { config, deadlines } = this.#parts;
    const known = this.#early.get(node);
    if (known !== undefined && known.ltime >= ltime) return false;
    if (known === undefined && this.#early.size >= config.queueMax) return false;
    this.#early.set(node, { type, ltime, atMs: deadlines.nowMs() });
    return true;
  }
}
