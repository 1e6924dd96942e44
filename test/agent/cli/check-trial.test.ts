import { expect, test } from 'vitest';
import { formatTrial, type Trial, tryCheck } from '../../../agent/cli/check-trial.ts';
import type { ResultStatus } from '../../../checks/check.ts';
import type { Kinds, RunContext } from '../../../checks/kinds/kind.ts';
import type { Clock } from '../../../proto/ports.ts';
import { type CheckDefinition, parseCheckDefinition } from '../../../proto/schema/definitions.ts';

function define(more: object = {}): CheckDefinition {
  const parsed = parseCheckDefinition({ id: 'web', name: 'web', tcp: 'h:1', interval: '10s', ...more });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.definition;
}

/** Kinds that give these results, one a run, each after 12 ms. */
function host(...results: ResultStatus[]) {
  let nowMs = 0;
  const contexts: RunContext[] = [];
  const clock: Clock = { nowMs: () => nowMs, wallMs: () => 0, after: () => ({ cancel() {} }) };
  const kinds: Kinds = {
    classOf: () => 'network',
    load: async () => ({
      run: async (_spec, context) => {
        contexts.push(context);
        nowMs += 12;
        return { status: results.shift()!, output: 'line 1\nline 2\n', details: { exitCode: 3 } };
      },
    }),
  };
  return { clock, kinds, contexts, outputBytesMax: 4_096 };
}

async function all(definition: CheckDefinition, ...results: ResultStatus[]): Promise<Trial[]> {
  const trials: Trial[] = [];
  for await (const trial of tryCheck(definition, results.length, host(...results))) trials.push(trial);
  return trials;
}

test('the first result counts at once, later ones wait for their thresholds', async () => {
  const definition = define({ failures_before_critical: 2, success_before_passing: 2 });
  const trials = await all(definition, 'passing', 'critical', 'critical', 'passing', 'passing');
  expect(trials.map(({ from, to }) => `${from} ${to}`)).toEqual([
    'pending passing',
    'passing passing',
    'passing critical',
    'critical critical',
    'critical passing',
  ]);
  expect(formatTrial(trials[1]!, definition)).toBe(
    [
      'Run 2: critical after 12 ms',
      '  | line 1',
      '  | line 2',
      '  exitCode: 3',
      '  The status stays passing: 1 of 2 bad results in a row.',
      '  Nothing would be sent.',
      '',
    ].join('\n'),
  );
  expect(formatTrial(trials[3]!, definition)).toContain('stays critical: 1 of 2 good results in a row.');
  expect(formatTrial(trials[4]!, definition)).toContain(
    'The status moves from critical to passing.\n  Would be sent to the servers: check.changed web, critical → passing.',
  );
});

test('the run has the timeout and the output limit that it has in an agent', async () => {
  const stage = host('passing');
  for await (const _ of tryCheck(define({ timeout: '3s', output_max_size: 100 }), 1, stage));
  expect(stage.contexts).toMatchObject([{ checkId: 'web', timeoutMs: 3_000, outputBytesMax: 100 }]);
});
