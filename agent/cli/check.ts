/** `rollcall check test FILE[#ID]`: runs a check as an agent would, before it is deployed. Beside it: `check run`. */
import { randomUUID } from 'node:crypto';
import { Command, InvalidArgumentError } from 'commander';
import { checkKinds } from '../../checks/kinds/index.ts';
import { ExpectedError } from '../../proto/errors.ts';
import type { CheckDefinition } from '../../proto/schema/definitions.ts';
import { suggest } from '../../proto/suggest.ts';
import { type LoadResult, loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problems.ts';
import { secretsIn } from '../config/references.ts';
import { hostKindPorts } from '../host/kind-ports.ts';
import { redacting } from '../redact.ts';
import { allChecks } from '../reload.ts';
import { command as runCommand } from './check-run.ts';
import { formatTrial, type Trial, tryCheck } from './check-trial.ts';
import { Exit, exitFailed, exitUsage, harmless, type Io } from './io.ts';
import { type SharedOptions, withFormat } from './shared.ts';

interface Options extends SharedOptions {
  readonly repeat: number;
}

/** As an agent without a limit of its own. */
const outputBytesMax = 4_096;
const repeatMax = 10_000;

export function command(io: Io): Command {
  const check = new Command().usage('test|run …');
  check.addCommand(runCommand(io));
  check.addCommand(
    withFormat(new Command('test'))
      .description('Run a check of a file in the very same sandbox, and say what would be sent.')
      .argument('<file[#id]>', 'file or folder; the id where it holds several checks')
      .option('--repeat <n>', 'so many runs, one right after the other', repeatCount, 1)
      .addHelpText('after', '\nThe exit code is 0 when the last run was passing, else 1. Programs are run.')
      .action((target: string, options: Options) => test(target, options, io)),
  );
  return check;
}

async function test(target: string, options: Options, io: Io): Promise<void> {
  const hash = target.lastIndexOf('#');
  const path = hash === -1 ? target : target.slice(0, hash);
  const loaded = await loadConfig({ paths: [path], flags: {}, partial: true });
  const wrong = loaded.problems.filter(({ level }) => level === 'error');
  for (const problem of wrong) await io.complain(`${harmless(formatProblem(problem))}\n`);
  const definition = choose(loaded, hash === -1 ? '' : target.slice(hash + 1));
  const ports = { ...hostKindPorts(`trial-${randomUUID()}`), ...outsideAgent };
  const kinds = redacting(checkKinds(ports), () => secretsIn(loaded.tree));
  let last: Trial | undefined;
  try {
    for await (const trial of tryCheck(definition, options.repeat, {
      clock: ports.clock,
      kinds,
      outputBytesMax,
    })) {
      last = trial;
      await io.print(
        options.format === 'json' ? `${JSON.stringify(trial)}\n` : formatTrial(trial, definition),
      );
    }
  } finally {
    // Ends what a program has left behind, too.
    await ports.sandbox.stop();
  }
  if (last?.outcome.status !== 'passing') throw new Exit(exitFailed);
}

/** The check with that id, or the only one. */
function choose(loaded: LoadResult, id: string): CheckDefinition {
  const checks = allChecks(loaded.definitions);
  const chosen = id === '' && checks.length === 1 ? checks[0] : checks.find((check) => check.id === id);
  if (chosen === undefined) {
    const ids = checks.map((check) => check.id);
    if (ids.length === 0) throw new Exit(exitFailed, 'there is no check that could be run');
    const near = suggest(id, ids);
    const hint = near === undefined ? `it has ${ids.join(', ')}` : `did you mean "${near}"?`;
    throw new Exit(
      exitUsage,
      id === '' ? `name one check: FILE#ID; ${hint}` : `there is no check "${id}": ${hint}`,
    );
  }
  const { kind } = chosen.spec;
  if (kind === 'ttl') throw new Exit(exitFailed, `"${chosen.id}" is a TTL check: it is fed, not run`);
  return chosen;
}

/** What only a running agent knows. */
const outsideAgent = {
  aliases: { checksOf: () => Promise.reject(new ExpectedError('NO_SERVERS', 'there is no agent in a test')) },
  leaderClock: { offsetMs: async () => null },
};

function repeatCount(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= repeatMax) return count;
  throw new InvalidArgumentError(`It must be a number from 1 to ${repeatMax}.`);
}
