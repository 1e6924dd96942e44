/** `rollcall force-leave NODE`: a failed member counts as left, and with `--prune` is forgotten. */
import { Command } from 'commander';
import { pathPart } from './api.ts';
import { harmless, type Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';

interface Options extends SharedOptions {
  readonly prune?: boolean;
}

export function command(io: Io): Command {
  return withAgent(new Command())
    .argument('<node>', 'name of the member')
    .option('--prune', 'forget the member altogether')
    .action(async (node: string, options: Options) => {
      const query = options.prune ? { prune: '' } : {};
      await apiOf(options, io).put(`/v1/agent/force-leave/${pathPart(node)}`, query);
      if (options.format === 'json') return printJson(io, { Node: node, Pruned: options.prune === true });
      await io.print(`${harmless(node)} ${options.prune ? 'is forgotten' : 'counts as left'}.\n`);
    });
}
