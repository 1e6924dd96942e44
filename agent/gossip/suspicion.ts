/**
 * The time between "I suspect" and "it is dead", in which the accused may object. It begins long and every
 * further accuser shortens it (Lifeguard, 4.2): one alone may be the one whose network is broken, several are not.
 *
 * A suspicion remembers the incarnation it was raised for. If the accused has refuted since, its incarnation is
 * higher, and the timer fires into nothing.
 */
import type { Deadline, Deadlines } from './deadlines.ts';
import type { ProbeEvidence } from './dossier.ts';
import { suspicionTimeoutMs } from './scale.ts';

export interface Confirmation {
  readonly from: string;
  /** Running milliseconds after the suspicion began. */
  readonly afterMs: number;
}

export class Suspicion {
  readonly number: number;
  readonly incarnation: number;
  /** The first accuser; further words of it confirm nothing. */
  readonly accuser: string;
  /** What our own probe saw, when the accusation is ours. */
  readonly evidence: ProbeEvidence | null;
  readonly startedMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  readonly confirmationsWanted: number;
  readonly confirmations: Confirmation[] = [];
  readonly #deadlines: Deadlines;
  readonly #onTimeout: (suspicion: Suspicion) => void;
  #deadline: Deadline;

  constructor(options: {
    number: number;
    incarnation: number;
    accuser: string;
    evidence: ProbeEvidence | null;
    minMs: number;
    maxMs: number;
    confirmationsWanted: number;
    deadlines: Deadlines;
    onTimeout: (suspicion: Suspicion) => void;
  }) {
    this.number = options.number;
    this.incarnation = options.incarnation;
    this.accuser = options.accuser;
    this.evidence = options.evidence;
    this.minMs = options.minMs;
    this.maxMs = options.maxMs;
    this.confirmationsWanted = options.confirmationsWanted;
    this.#deadlines = options.deadlines;
    this.#onTimeout = options.onTimeout;
    this.startedMs = options.deadlines.nowMs();
    this.#deadline = this.#arm();
  }

  /** False when this says nothing new: enough have confirmed, or this one has spoken before. */
  confirm(from: string): boolean {
    if (this.confirmations.length >= this.confirmationsWanted || from === this.accuser) return false;
    if (this.confirmations.some((confirmation) => confirmation.from === from)) return false;
    this.confirmations.push({ from, afterMs: this.#deadlines.nowMs() - this.startedMs });
    this.#deadline.cancel();
    this.#deadline = this.#arm();
    return true;
  }

  cancel(): void {
    this.#deadline.cancel();
  }

  #arm(): Deadline {
    const timeoutMs = suspicionTimeoutMs(
      this.minMs,
      this.maxMs,
      this.confirmations.length,
      this.confirmationsWanted,
    );
    const elapsedMs = this.#deadlines.nowMs() - this.startedMs;
    return this.#deadlines.after(Math.max(0, timeoutMs - elapsedMs), () => this.#onTimeout(this));
  }
}
