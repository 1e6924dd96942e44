/** `rollcall config explain`: the effective value of every key, and where it came from. */
import { Command } from 'commander';
import { explain } from '../config/explain.ts';
import type { AgentFlags } from '../config/flags.ts';
import { loadConfig } from '../config/load.ts';
import { formatProblem } from '../config/problems.ts';
import { requestOf, withAgentFlags } from './agent.ts';
import { Exit, exitFailed, harmless, type Io } from './io.ts';
import { printJson, type SharedOptions, withFormat } from './shared.ts';
import { formatTable } from './table.ts';

interface Options extends SharedOptions, AgentFlags {
  readonly config?: readonly string[];
}

export function command(io: Io): Command {
  const config = new Command().usage('explain [options]');
  config.addCommand(
    withFormat(withAgentFlags(new Command('explain')))
      .description('Print the effective value of every key, and the file and line that it came from.')
      .action(async ({ format, ...flags }: Options) => {
        const { problems, tree } = await loadConfig(requestOf(flags));
        const rows = explain(tree);
        if (format === 'json')
          await printJson(
            io,
            rows.map(({ key, value, from }) => ({ Key: key, Value: value, From: from })),
          );
        else {
          const cells = rows.map(({ key, value, from }) => [key, JSON.stringify(value), from]);
          await io.print(formatTable(['Key', 'Value', 'From'], cells));
        }
        for (const problem of problems) await io.complain(`${harmless(formatProblem(problem))}\n`);
        if (problems.some((problem) => problem.level === 'error')) throw new Exit(exitFailed);
      }),
  );
  return config;
}
