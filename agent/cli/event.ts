/** `rollcall event NAME [PAYLOAD]`: fires a plain Serf user event, which every member hears once. */
import { Command } from 'commander';
import { parseJson, pathPart } from './api.ts';
import { harmless, type Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';

interface Options extends SharedOptions {
  readonly coalesce?: boolean;
}

export function command(io: Io): Command {
  return withAgent(new Command())
    .argument('<name>', 'what happened')
    .argument('[payload]', 'more about it; with the name less than 512 bytes')
    .option('--coalesce', 'handlers may take several events of one name as one, the newest')
    .action(async (name: string, payload: string | undefined, options: Options) => {
      const api = apiOf(options, io);
      const query = options.coalesce ? { coalesce: '' } : {};
      const answer = await api.put(`/v1/agent/user-event/${pathPart(name)}`, query, payload ?? '');
      if (options.format === 'json') return printJson(io, parseJson(answer.body, api.base));
      await io.print(`The event ${harmless(name)} is on its way to all members.\n`);
    });
}
