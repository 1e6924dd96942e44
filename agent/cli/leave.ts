/** `rollcall leave`: the agent says goodbye and stops; a server gives up its vote, unless the quorum would be lost. */
import { Command } from 'commander';
import type { Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';

export function command(io: Io): Command {
  return withAgent(new Command()).action(async (options: SharedOptions) => {
    await apiOf(options, io).put('/v1/agent/leave');
    if (options.format === 'json') await printJson(io, { Left: true });
    else await io.print('The agent has left.\n');
  });
}
