/** `rollcall check run ID`: a running agent runs one of its checks at once, and the result counts as any other. */
import { Command } from 'commander';
import { pathPart } from './api.ts';
import { Exit, exitFailed, harmless, type Io } from './io.ts';
import { outcomeLines } from './outcome-text.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';

/** As `PUT /v1/agent/check/run/ID` answers it. */
interface ApiRun {
  readonly CheckID: string;
  readonly Result: string;
  readonly Output: string;
  readonly DurationMs: number;
  readonly Metrics: ReadonlyArray<{ readonly Name: string; readonly Value: number; readonly Unit: string }>;
  readonly Details: Readonly<Record<string, unknown>>;
  readonly From: string;
  readonly RollcallStatus: string;
}

/** The agent answers when the run has ended, and each run ends by its own timeout. */
const forEver = 0;

export function command(io: Io): Command {
  return withAgent(new Command('run'))
    .description('Make an agent run one of its checks now.')
    .argument('<id>', 'of a check of that agent')
    .addHelpText('after', '\nThe exit code is 0 when the run was passing, else 1.')
    .action(async (id: string, options: SharedOptions) => {
      const api = apiOf(options, io);
      const answer = await api.put(`/v1/agent/check/run/${pathPart(id)}`, {}, '', forEver);
      const ran = JSON.parse(answer.body) as ApiRun;
      if (options.format === 'json') await printJson(io, ran);
      else await io.print(formatRun(ran));
      if (ran.Result !== 'passing') throw new Exit(exitFailed);
    });
}

function formatRun(ran: ApiRun): string {
  const lines = outcomeLines(harmless(ran.CheckID), {
    status: ran.Result,
    output: ran.Output,
    metrics: ran.Metrics.map(({ Name, Value, Unit }) => ({ name: Name, value: Value, unit: Unit })),
    details: ran.Details,
    durationMs: ran.DurationMs,
  });
  const { From, RollcallStatus } = ran;
  const moved = From === RollcallStatus ? `stays ${From}` : `moves from ${From} to ${RollcallStatus}`;
  return `${[...lines, `  The status ${moved}.`].join('\n')}\n`;
}
