/**
 * Packets and streams that we could not open. Each is counted; what people hear of it is at most one report a minute,
 * however hard somebody knocks.
 */
import type { RefusalReason } from '../../proto/gossip/refusal.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { Counters } from './counters.ts';
import type { Deadline, Deadlines } from './deadlines.ts';

export interface IntrusionReport {
  /** Refused packets and streams since the last report, by reason. */
  readonly reasons: Readonly<Record<string, number>>;
  /** The busiest ten addresses. */
  readonly sources: readonly { readonly host: string; readonly count: number }[];
}

const reportIntervalMs = 60_000;
const sourcesMax = 1_000;
const sourcesShown = 10;

/** Signs of somebody who does not belong to us; anything else is noise on the line. */
const foreign: ReadonlySet<RefusalReason> = new Set(['bad-label', 'not-encrypted', 'no-keys', 'wrong-key']);

export class Intruders {
  readonly #deadlines: Deadlines;
  readonly #counters: Counters;
  readonly #onReport: (report: IntrusionReport) => void;
  readonly #reasons = new Map<string, number>();
  readonly #sources = new Map<string, number>();
  #pending: Deadline | null = null;
  #reportedMs = Number.NEGATIVE_INFINITY;

  constructor(options: {
    deadlines: Deadlines;
    counters: Counters;
    onReport: (report: IntrusionReport) => void;
  }) {
    this.#deadlines = options.deadlines;
    this.#counters = options.counters;
    this.#onReport = options.onReport;
  }

  note(from: Endpoint, reason: RefusalReason): void {
    this.#counters.add(`refused_${reason}`);
    if (!foreign.has(reason)) return;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
    const known = this.#sources.get(from.host);
    // Addresses are free to invent; beyond the bound they share one line.
    const host = known === undefined && this.#sources.size >= sourcesMax ? 'others' : from.host;
    this.#sources.set(host, (this.#sources.get(host) ?? 0) + 1);
    if (this.#pending !== null) return;
    const waitMs = Math.max(0, this.#reportedMs + reportIntervalMs - this.#deadlines.nowMs());
    this.#pending = this.#deadlines.after(waitMs, () => this.#report());
  }

  stop(): void {
    this.#pending?.cancel();
  }

  #report(): void {
    this.#pending = null;
    this.#reportedMs = this.#deadlines.nowMs();
    const sources = [...this.#sources].sort(([, a], [, b]) => b - a).slice(0, sourcesShown);
    this.#onReport({
      reasons: Object.fromEntries(this.#reasons),
      sources: sources.map(([host, count]) => ({ host, count })),
    });
    this.#reasons.clear();
    this.#sources.clear();
  }
}
