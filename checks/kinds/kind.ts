/** What every kind of check is to the runner: something that runs a spec and always comes back with an outcome. */
import type { CheckKindName, CheckSpec } from '../../proto/schema/definitions.ts';
import type { ResultStatus } from '../check.ts';
import type { RunClass } from '../gate.ts';
import type { Metric } from '../perfdata.ts';

/** What one run has shown. */
export interface Outcome {
  readonly status: ResultStatus;
  /** Bounded by the run's `outputBytesMax`, apart from the sentence around it. */
  readonly output: string;
  readonly metrics?: readonly Metric[];
  /** How it ended, for those who want to know more: exit code, signal, times. */
  readonly details?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface RunContext {
  readonly checkId: string;
  readonly timeoutMs: number;
  readonly outputBytesMax: number;
  /** The agent stops or the check is gone: end soon, the outcome is not looked at any more. */
  readonly signal: AbortSignal;
}

/**
 * A kind keeps no state of single checks. Expected failures (a refused connection, a missing program) are
 * critical outcomes; only a bug rejects.
 */
export interface CheckKind<Spec> {
  run(spec: Spec, context: RunContext): Promise<Outcome>;
}

/** The kinds that an agent has. */
export interface Kinds {
  classOf(kind: CheckKindName): RunClass;
  /** Loads the kind on its first use: an agent without gRPC checks has no HTTP/2 client in memory. */
  load(kind: CheckKindName): Promise<CheckKind<CheckSpec>>;
}

export function passing(output: string, more: Partial<Outcome> = {}): Outcome {
  return { status: 'passing', output, ...more };
}

export function warning(output: string, more: Partial<Outcome> = {}): Outcome {
  return { status: 'warning', output, ...more };
}

export function critical(output: string, more: Partial<Outcome> = {}): Outcome {
  return { status: 'critical', output, ...more };
}
