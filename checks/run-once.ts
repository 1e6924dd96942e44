/** One run of one check that always comes back, even should its kind never do. */
import { messageOf } from '../proto/errors.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import type { CheckDefinition, CheckSpec } from '../proto/schema/definitions.ts';
import { critical, type Kinds, type Outcome, type RunContext } from './kinds/kind.ts';

/** Beyond its timeout a kind has this long to end what it began; longer than any `kill_after`. */
const comeBackMs = 75_000;

/** A run that is told to end has this long; a kind that cannot be interrupted is left to itself. */
const abortMs = 3_000;

export function runOnce(
  host: { readonly clock: Clock; readonly kinds: Kinds },
  definition: CheckDefinition,
  outputBytesMax: number,
  abort: AbortController,
): Promise<Outcome> {
  const { id, spec, timeoutMs } = definition;
  const context = { checkId: id, timeoutMs, outputBytesMax, signal: abort.signal };
  return new Promise((resolve) => {
    const backstop = host.clock.after(timeoutMs + comeBackMs, () => {
      abort.abort();
      finish(critical(`The check did not come back within its timeout (${timeoutMs} ms) and was given up`));
    });
    let leaving: Timer | null = null;
    abort.signal.addEventListener('abort', () => {
      leaving = host.clock.after(abortMs, () => finish(critical('The check was stopped')));
    });
    const finish = (outcome: Outcome) => {
      backstop.cancel();
      leaving?.cancel();
      resolve(outcome);
    };
    void run(host.kinds, spec, context).then(finish);
  });
}

async function run(kinds: Kinds, spec: CheckSpec, context: RunContext): Promise<Outcome> {
  try {
    const kind = await kinds.load(spec.kind);
    return await kind.run(spec, context);
  } catch (error) {
    return critical(`The check could not be run: ${messageOf(error)}`);
  }
}
