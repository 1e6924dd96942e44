/** What the runner tells of its checks: changes and runs as they happen, and how each one is now. */
import type { CheckDefinition } from '../proto/schema/definitions.ts';
import type { CheckStatus } from '../proto/schema/status.ts';
import type { ResultStatus } from './check.ts';
import type { Outcome } from './kinds/kind.ts';

export type ChangeCause = 'check' | 'ttl' | 'stale' | 'operator';

export interface StatusChange {
  readonly definition: CheckDefinition;
  readonly from: CheckStatus;
  readonly to: CheckStatus;
  readonly output: string;
  readonly cause: ChangeCause;
  /** Unix milliseconds. */
  readonly wallMs: number;
}

export interface RunReport {
  readonly definition: CheckDefinition;
  readonly outcome: Outcome;
  readonly durationMs: number;
  /** How long after its time it started. */
  readonly startDelayMs: number;
}

/** A check's state with wall times, as it survives a restart. */
export interface SavedCheck {
  readonly id: string;
  readonly fingerprint: string;
  readonly status: CheckStatus;
  readonly result: ResultStatus | null;
  readonly successes: number;
  readonly failures: number;
  readonly output: string;
  readonly changeOutput: string;
  /** Unix milliseconds. */
  readonly changedWallMs: number;
  readonly resultWallMs: number | null;
}

/** What is known of a check now. Times are Unix milliseconds. */
export interface CheckView {
  readonly definition: CheckDefinition;
  readonly status: CheckStatus;
  /** The newest result, which may still wait for its confirmation. */
  readonly result: ResultStatus | null;
  readonly successes: number;
  readonly failures: number;
  /** Of the newest result. */
  readonly output: string;
  /** Of the result that changed the status. */
  readonly changeOutput: string;
  readonly outcome: Outcome | null;
  readonly changedWallMs: number;
  readonly resultWallMs: number | null;
  readonly running: boolean;
  /** The newest result is from before the agent's start. */
  readonly restored: boolean;
  /** Of the newest run; null before the first. */
  readonly durationMs: number | null;
}
