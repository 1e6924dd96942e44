/** `rollcall validate FILE…`: everything that is wrong with configuration files, without starting anything. */
import { Command } from 'commander';
import { loadConfig } from '../config/load.ts';
import { formatProblem, type Problem } from '../config/problems.ts';
import { Exit, exitFailed, harmless, type Io } from './io.ts';
import { printJson, type SharedOptions, withFormat } from './shared.ts';

export function command(io: Io): Command {
  return withFormat(new Command())
    .argument('<path...>', 'files, and folders whose .yaml, .yml and .json files count')
    .addHelpText('after', '\nThe files may be a part of a configuration: what they lack is no error.')
    .action(async (paths: string[], options: SharedOptions) => {
      const { problems, files } = await loadConfig({ paths, flags: {}, partial: true });
      const errors = problems.filter((problem) => problem.level === 'error').length;
      if (options.format === 'json') {
        await printJson(io, { Valid: errors === 0, Files: files, Problems: problems.map(toJson) });
      } else {
        for (const problem of problems) await io.print(`${harmless(formatProblem(problem))}\n`);
        await io.print(`${summary(files.length, errors, problems.length - errors)}\n`);
      }
      if (errors > 0) throw new Exit(exitFailed);
    });
}

export function toJson(problem: Problem) {
  return {
    Level: problem.level,
    File: problem.at.file,
    Line: problem.at.line,
    Column: problem.at.column,
    Key: problem.key,
    Message: problem.message,
    Suggestion: problem.suggestion,
  };
}

function summary(files: number, errors: number, warnings: number): string {
  const read = `${files} ${files === 1 ? 'file' : 'files'} read`;
  return `${read}: ${counted(errors, 'error')}, ${counted(warnings, 'warning')}`;
}

function counted(count: number, what: string): string {
  return count === 0 ? `no ${what}s` : `${count} ${what}${count === 1 ? '' : 's'}`;
}
