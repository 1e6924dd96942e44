/**
 * Whether this agent can read its configuration, as a check of its own: critical from a refused reload on until one
 * works. An agent whose files were never refused has no such check.
 */
import type { CheckRunner } from '../checks/runner.ts';
import type { CheckDefinition } from '../proto/schema/definitions.ts';
import type { LocalState } from './local-state.ts';

export const configCheckId = '_agent_config';

/** Fed by reloads, and good until the next one. */
const definition: CheckDefinition = {
  id: configCheckId,
  name: 'Agent configuration',
  notes:
    'Critical while the configuration of the agent cannot be read; the agent goes on with the former one.',
  serviceId: '',
  token: '',
  initialStatus: null,
  intervalMs: 0,
  cron: null,
  timeoutMs: 0,
  retryIntervalMs: null,
  recoveryIntervalMs: null,
  recoveryIntervalMaxMs: null,
  successBeforePassing: 1,
  failuresBeforeWarning: 1,
  failuresBeforeCritical: 1,
  staleAfterIntervals: 0,
  outputBytesMax: null,
  deregisterServiceAfterMs: null,
  spec: { kind: 'ttl', ttlMs: Number.POSITIVE_INFINITY },
};

export class ConfigCheck {
  readonly #state: LocalState;
  readonly #runner: CheckRunner;

  constructor(state: LocalState, runner: CheckRunner) {
    this.#state = state;
    this.#runner = runner;
  }

  /** `problem` null: the configuration was read. */
  report(problem: string | null): void {
    if (problem === null && this.#runner.view(configCheckId) === undefined) return;
    const { id, name, notes, serviceId } = definition;
    const type = 'config';
    this.#state.putCheck({
      id,
      name,
      notes,
      serviceId,
      type,
      status: 'pending',
      output: '',
      definition: {},
    });
    this.#runner.put(definition);
    if (problem === null) this.#runner.feed(id, 'passing', 'The configuration was read.', 'operator');
    else this.#runner.feed(id, 'critical', problem, 'operator');
  }
}
