/** Checks whose results a test decides, and what the runner did with them. */
import type { ResultStatus } from '../../checks/check.ts';
import type { RunClass } from '../../checks/gate.ts';
import type { Kinds, Outcome, RunContext } from '../../checks/kinds/kind.ts';
import type { Metric } from '../../checks/perfdata.ts';
import { CheckRunner, type CheckRunnerOptions } from '../../checks/runner.ts';
import type { StatusChange } from '../../checks/view.ts';
import {
  type CheckDefinition,
  type CheckSpec,
  parseCheckDefinition,
} from '../../proto/schema/definitions.ts';
import { VirtualClock } from '../sim/clock.ts';

export function define(keys: object): CheckDefinition {
  const parsed = parseCheckDefinition({ name: 'web', ...keys });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return parsed.definition;
}

/** A check that runs every ten seconds unless the keys say otherwise. */
export function every10s(keys: object = {}): CheckDefinition {
  return define({ tcp: '127.0.0.1:1', interval: '10s', ...keys });
}

/** Kinds that answer after `tookMs` with what the test set last. */
export class FakeKinds implements Kinds {
  readonly clock: VirtualClock;
  readonly starts: Array<{ id: string; atMs: number }> = [];
  readonly aborted: string[] = [];
  runningNow = 0;
  runningMax = 0;
  status: ResultStatus = 'passing';
  output = 'fine';
  metrics: readonly Metric[] = [];
  tookMs = 20;
  /** Runs of these ids never end, not even when they are told to. */
  readonly deaf = new Set<string>();

  constructor(clock: VirtualClock) {
    this.clock = clock;
  }

  classOf(kind: CheckSpec['kind']): RunClass {
    return kind === 'script' ? 'process' : 'network';
  }

  async load() {
    return { run: (_spec: CheckSpec, context: RunContext) => this.#run(context) };
  }

  #run(context: RunContext): Promise<Outcome> {
    const id = context.checkId;
    this.starts.push({ id, atMs: this.clock.nowMs() });
    this.runningNow++;
    this.runningMax = Math.max(this.runningMax, this.runningNow);
    return new Promise((resolve) => {
      if (this.deaf.has(id)) return;
      const end = () => {
        timer.cancel();
        this.runningNow--;
        resolve({ status: this.status, output: this.output, metrics: this.metrics });
      };
      const timer = this.clock.after(this.tookMs, end);
      context.signal.addEventListener('abort', () => {
        this.aborted.push(id);
        end();
      });
    });
  }

  startsOf(id: string): number[] {
    return this.starts.filter((start) => start.id === id).map((start) => start.atMs);
  }
}

/** A runner on virtual time with a record of all changes. */
export function host(options: Partial<CheckRunnerOptions> = {}) {
  const clock = new VirtualClock();
  const kinds = new FakeKinds(clock);
  const changes: StatusChange[] = [];
  const runner = new CheckRunner({
    node: 'node-1',
    clock,
    kinds,
    onChange: (change) => changes.push(change),
    ...options,
  });
  /** `id: from → to (cause)` */
  const told = () =>
    changes.map(({ definition, from, to, cause }) => `${definition.id}: ${from} → ${to} (${cause})`);
  return { clock, kinds, runner, changes, told };
}
