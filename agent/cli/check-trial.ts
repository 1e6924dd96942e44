/**
 * Runs a check before it is deployed: the very same kinds, timeouts and state machine as in an agent, and an account of
 * what an agent would have made of each result.
 */
import { newState, receiveResult } from '../../checks/check.ts';
import type { Kinds, Outcome } from '../../checks/kinds/kind.ts';
import { runOnce } from '../../checks/run-once.ts';
import type { Clock } from '../../proto/ports.ts';
import type { CheckDefinition } from '../../proto/schema/definitions.ts';
import type { CheckStatus } from '../../proto/schema/status.ts';
import { outcomeLines } from './outcome-text.ts';

export interface Trial {
  /** From 1. */
  readonly run: number;
  readonly outcome: Outcome;
  readonly durationMs: number;
  readonly from: CheckStatus;
  readonly to: CheckStatus;
  /** Results in a row, good or bad, with this one. */
  readonly successes: number;
  readonly failures: number;
}

/** One run after the other, without the wait between them. */
export async function* tryCheck(
  definition: CheckDefinition,
  repeat: number,
  host: { readonly clock: Clock; readonly kinds: Kinds; readonly outputBytesMax: number },
): AsyncGenerator<Trial> {
  const outputBytesMax = Math.min(definition.outputBytesMax ?? host.outputBytesMax, host.outputBytesMax);
  let state = newState(host.clock.nowMs(), definition.initialStatus ?? 'pending');
  for (let run = 1; run <= repeat; run++) {
    const startMs = host.clock.nowMs();
    const outcome = await runOnce(host, definition, outputBytesMax, new AbortController());
    const endMs = host.clock.nowMs();
    const before = state;
    state = receiveResult(before, definition, outcome.status, endMs);
    yield {
      run,
      outcome,
      durationMs: endMs - startMs,
      from: before.status,
      to: state.status,
      successes: state.successes,
      failures: state.failures,
    };
  }
}

/** What happened, for people; ends with a newline. */
export function formatTrial(trial: Trial, definition: CheckDefinition): string {
  const { outcome, from, to, durationMs } = trial;
  const { status, output, metrics = [], details = {} } = outcome;
  const lines = [
    ...outcomeLines(`Run ${trial.run}`, { status, output, metrics, details, durationMs }),
    `  ${from === to ? `The status stays ${to}${reason(trial, definition)}` : `The status moves from ${from} to ${to}`}.`,
    from === to
      ? '  Nothing would be sent.'
      : `  Would be sent to the servers: check.changed ${definition.id}, ${from} → ${to}.`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Why a result that differs from the status has not moved it. */
function reason({ outcome, to, successes, failures }: Trial, definition: CheckDefinition): string {
  if (outcome.status === to) return '';
  if (outcome.status === 'critical') {
    const wanted = to === 'passing' ? definition.failuresBeforeWarning : definition.failuresBeforeCritical;
    return `: ${failures} of ${wanted} bad results in a row`;
  }
  return `: ${successes} of ${definition.successBeforePassing} good results in a row`;
}
