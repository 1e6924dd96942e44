/**
 * How results become a status. One bad second is not an outage, and one good one not the end of it:
 *
 * ```
 *            the first result, whatever it is
 *  pending ─────────────────────────────────────▶ passing │ warning │ critical
 *  stale   ─────────────────────────────────────▶ the same
 *
 *            a warning result, or
 *            failures ≥ failuresBeforeWarning            failures ≥ failuresBeforeCritical
 *  passing ──────────────────────────────▶ warning ─────────────────────────────────────▶ critical
 *     │  ▲                                  │   ▲                                          │  │
 *     │  └──────────────────────────────────┘   └──────────────────────────────────────────┘  │
 *     │    a passing result with                    a warning result with                     │
 *     │    successes ≥ successBeforePassing         successes ≥ successBeforePassing          │
 *     │  ▲                                                                                    │
 *     │  └── a passing result with successes ≥ successBeforePassing ──────────────────────────┘
 *     └── failures ≥ failuresBeforeCritical ──▶ critical
 *
 *  any but pending ── no result for too long ──▶ stale
 * ```
 *
 * `failures` counts critical results in a row, `successes` the others; each kind resets the other (Consul's
 * rule: a warning is a success of its kind). A status never gets better by a critical result.
 */
import type { CheckStatus } from '../proto/schema/status.ts';

/** What one run can say. */
export type ResultStatus = 'passing' | 'warning' | 'critical';

/** Results in a row before the status follows; each at least 1. */
export interface Thresholds {
  readonly successBeforePassing: number;
  readonly failuresBeforeWarning: number;
  readonly failuresBeforeCritical: number;
}

/** Every result counts at once: for statuses that somebody sets, and not a run. */
export const atOnce: Thresholds = {
  successBeforePassing: 1,
  failuresBeforeWarning: 1,
  failuresBeforeCritical: 1,
};

/** Immutable; a move returns the next one. Times are of the monotonic clock, in milliseconds. */
export interface CheckState {
  readonly status: CheckStatus;
  /** The newest result; null until the first. */
  readonly result: ResultStatus | null;
  readonly successes: number;
  readonly failures: number;
  /** When the status was taken on. */
  readonly changedAtMs: number;
  /** When the newest result came; null until the first. */
  readonly resultAtMs: number | null;
}

/** A check without a result, with the status that its definition asks for until then. */
export function newState(atMs: number, status: CheckStatus = 'pending'): CheckState {
  return { status, result: null, successes: 0, failures: 0, changedAtMs: atMs, resultAtMs: null };
}

export function receiveResult(
  state: CheckState,
  thresholds: Thresholds,
  result: ResultStatus,
  atMs: number,
): CheckState {
  const bad = result === 'critical';
  const successes = bad ? 0 : state.successes + 1;
  const failures = bad ? state.failures + 1 : 0;
  const status = statusAfter(state, thresholds, result, successes, failures);
  return {
    status,
    result,
    successes,
    failures,
    changedAtMs: status === state.status ? state.changedAtMs : atMs,
    resultAtMs: atMs,
  };
}

function statusAfter(
  state: CheckState,
  thresholds: Thresholds,
  result: ResultStatus,
  successes: number,
  failures: number,
): CheckStatus {
  // Nothing to weigh it against: the first result is published at once, as Consul does.
  if (state.result === null || state.status === 'pending' || state.status === 'stale') return result;
  const recovered = successes >= thresholds.successBeforePassing;
  switch (result) {
    case 'passing':
      return recovered ? 'passing' : state.status;
    case 'warning':
      return state.status !== 'critical' || recovered ? 'warning' : 'critical';
    case 'critical':
      if (failures >= thresholds.failuresBeforeCritical) return 'critical';
      return state.status === 'passing' && failures >= thresholds.failuresBeforeWarning
        ? 'warning'
        : state.status;
  }
}

/** The newest result is too old to be believed. Without any result there is nothing to doubt. */
export function becomeStale(state: CheckState, atMs: number): CheckState {
  if (state.status === 'pending' || state.status === 'stale') return state;
  return { ...state, status: 'stale', successes: 0, failures: 0, changedAtMs: atMs };
}

/** The same state on another clock, as after a restart. */
export function shiftState(state: CheckState, byMs: number): CheckState {
  return {
    ...state,
    changedAtMs: state.changedAtMs + byMs,
    resultAtMs: state.resultAtMs === null ? null : state.resultAtMs + byMs,
  };
}
