/**
 * The time between "I suspect" and "it is dead", in which the accused may object. It begins long and every
 * further accuser shortens it (Lifeguard, 4.2): one alone may be the one whose network is broken, several are not.
 *
 * A suspicion remembers the incarnation it was raised for. If the accused has refuted since, its incarnation is
 * higher, and the timer fires into nothing.
 */
import type { Random } from '../../proto/ports.ts';
import type { GossipConfig } from './config.ts';
import type { Deadline, Deadlines } from './deadlines.ts';
import type { ProbeEvidence } from './dossier.ts';
import { suspicionTimeoutMs } from './scale.ts';

export interface Confirmation {
  readonly from: string;
  /** Running milliseconds after the suspicion began. */
  readonly afterMs: number;
}

export interface SuspicionOptions {
  readonly number: number;
  readonly incarnation: number;
  /** The first accuser; further words of it confirm nothing. */
  readonly accuser: string;
  /** What our own probe saw; null when we know of it by hearsay. */
  readonly evidence: ProbeEvidence | null;
  readonly minMs: number;
  readonly maxMs: number;
  readonly confirmationsWanted: number;
  readonly config: GossipConfig;
  readonly deadlines: Deadlines;
  readonly random: Random;
  /** For a witness a last look before the end; for others the end, and a while for the witnesses to speak first. */
  readonly onTimeUp: (suspicion: Suspicion) => void;
}

export class Suspicion {
  readonly number: number;
  readonly incarnation: number;
  readonly accuser: string;
  readonly minMs: number;
  readonly maxMs: number;
  readonly confirmationsWanted: number;
  readonly confirmations: Confirmation[] = [];
  readonly startedMs: number;
  readonly #options: SuspicionOptions;
  #evidence: ProbeEvidence | null;
  #extended = false;
  #extendedByMs = 0;
  #deadline: Deadline;

  constructor(options: SuspicionOptions) {
    this.#options = options;
    this.number = options.number;
    this.incarnation = options.incarnation;
    this.accuser = options.accuser;
    this.minMs = options.minMs;
    this.maxMs = options.maxMs;
    this.confirmationsWanted = options.confirmationsWanted;
    this.#evidence = options.evidence;
    this.startedMs = options.deadlines.nowMs();
    this.#deadline = this.#arm();
  }

  /** What our own first probe saw; null when we know of it by hearsay. */
  get evidence(): ProbeEvidence | null {
    return this.#evidence;
  }

  /** The end has been put off: the suspect has answered us since, or nobody has. */
  get extended(): boolean {
    return this.#extended;
  }

  /** False when this says nothing new to others: enough have confirmed, or this one has spoken before. */
  confirm(from: string, evidence: ProbeEvidence | null): boolean {
    this.#evidence ??= evidence;
    if (this.confirmations.length >= this.confirmationsWanted || from === this.accuser) return false;
    if (this.confirmations.some((confirmation) => confirmation.from === from)) return false;
    this.confirmations.push({ from, afterMs: this.#elapsedMs() });
    this.#rearm();
    return true;
  }

  /** The suspect has been seen alive, or we are not fit to judge: it gets the shortest time again to say so itself. */
  extend(): void {
    this.#extended = true;
    this.#extendedByMs = this.#elapsedMs() + this.minMs - this.#timeoutMs();
    this.#rearm();
  }

  cancel(): void {
    this.#deadline.cancel();
  }

  #rearm(): void {
    this.#deadline.cancel();
    this.#deadline = this.#arm();
  }

  #arm(): Deadline {
    const { config, deadlines, random } = this.#options;
    const lookMs =
      this.#evidence === null ? (0.5 + random.unit()) * config.probeIntervalMs : -config.probeTimeoutMs;
    const shiftMs = config.lastLook ? lookMs : 0;
    const leftMs = this.#timeoutMs() + this.#extendedByMs + shiftMs - this.#elapsedMs();
    return deadlines.after(Math.max(0, leftMs), () => this.#options.onTimeUp(this));
  }

  #elapsedMs(): number {
    return this.#options.deadlines.nowMs() - this.startedMs;
  }

  #timeoutMs(): number {
    return suspicionTimeoutMs(this.minMs, this.maxMs, this.confirmations.length, this.confirmationsWanted);
  }
}
