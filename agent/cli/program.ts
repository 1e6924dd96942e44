/**
 * `rollcall COMMAND …`: finds the command and loads only its file, so that `rollcall members` does not wait for
 * what only `rollcall agent` needs.
 */
import { Command, CommanderError } from 'commander';
import { isExpected } from '../../proto/errors.ts';
import { suggest } from '../../proto/suggest.ts';
import { programVersion } from '../../proto/version.ts';
import { Exit, exitFailed, exitUsage, type Io, OutputClosed } from './io.ts';
import type { CommandModule } from './shared.ts';

interface Entry {
  readonly summary: string;
  load(): Promise<CommandModule>;
}

const commands: Readonly<Record<string, Entry>> = {
  agent: { summary: 'Run an agent on this host.', load: () => import('./agent.ts') },
  members: { summary: 'Show who is in the cluster.', load: () => import('./members.ts') },
  checks: { summary: 'Show how everything is.', load: () => import('./checks.ts') },
  events: { summary: 'Show what happened, and go on with --follow.', load: () => import('./events.ts') },
  history: {
    summary: 'Show since when and how often something was up or down.',
    load: () => import('./history.ts'),
  },
  why: { summary: 'Tell why a node was declared failed.', load: () => import('./why.ts') },
  info: { summary: 'Show how one agent is.', load: () => import('./info.ts') },
  join: { summary: 'Make an agent join others.', load: () => import('./join.ts') },
  leave: { summary: 'Make an agent leave and stop.', load: () => import('./leave.ts') },
  event: { summary: 'Tell all members something (a user event).', load: () => import('./event.ts') },
  query: { summary: 'Ask all members something.', load: () => import('./query.ts') },
  keyring: { summary: 'Show and change the gossip keys.', load: () => import('./keyring.ts') },
  'force-leave': { summary: 'Count a failed member as left.', load: () => import('./force-leave.ts') },
  reload: { summary: 'Make an agent read its files again.', load: () => import('./reload.ts') },
  maint: { summary: 'Put a node or service into maintenance.', load: () => import('./maint.ts') },
  operator: { summary: 'Care for the servers.', load: () => import('./operator.ts') },
  snapshot: {
    summary: 'Save, check and restore what the servers hold.',
    load: () => import('./snapshot.ts'),
  },
  tls: { summary: 'Make certificates.', load: () => import('./tls.ts') },
  validate: { summary: 'Check configuration files without starting.', load: () => import('./validate.ts') },
  check: { summary: 'Try a check before it is deployed, or run one now.', load: () => import('./check.ts') },
  config: { summary: 'Explain a configuration.', load: () => import('./config.ts') },
  schema: { summary: 'Print the JSON Schema of a file or an event.', load: () => import('./schema.ts') },
};

/** Runs one command line and answers the exit code: 0, 1 for a failure, 2 for wrong usage. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  try {
    const program = await build(argv, io);
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    return ended(error, io);
  }
}

async function build(argv: readonly string[], io: Io): Promise<Command> {
  const program = speaking(new Command('rollcall'), io)
    .description('Gossip health checks for fleets, with a durable, numbered log of every failure.')
    .version(programVersion, '-v, --version')
    .helpCommand(false);
  const asked = argv.find((word) => !word.startsWith('-'));
  if (asked !== undefined && commands[asked] === undefined) {
    const near = suggest(asked, Object.keys(commands));
    const hint = near === undefined ? 'rollcall --help lists them all' : `did you mean "${near}"?`;
    throw new Exit(exitUsage, `there is no command "${asked}": ${hint}`);
  }
  for (const [name, entry] of Object.entries(commands)) {
    if (name === asked) {
      const command = (await entry.load()).command(io).name(name).description(entry.summary);
      program.addCommand(speaking(command, io));
    } else program.command(name).description(entry.summary).usage('[options]');
  }
  return program;
}

/** Lets commander speak through our terminal and throw instead of ending the process. */
function speaking(command: Command, io: Io): Command {
  for (const inner of command.commands) speaking(inner, io);
  return command
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => void io.print(text).catch(() => {}),
      writeErr: (text) => void io.complain(text),
      // In the words of all our own errors.
      outputError: (text, write) => write(text.replace(/^error: /, 'rollcall: ')),
    });
}

async function ended(error: unknown, io: Io): Promise<number> {
  if (error instanceof OutputClosed) return 0;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitUsage;
  if (error instanceof Exit) {
    if (error.message !== '') await io.complain(`rollcall: ${error.message}\n`);
    return error.code;
  }
  // Whatever else comes here is a bug, and its trace is what a report needs.
  const trace = error instanceof Error ? (error.stack ?? error.message) : String(error);
  await io.complain(`rollcall: ${isExpected(error) ? error.message : trace}\n`);
  return exitFailed;
}
