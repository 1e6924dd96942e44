/** `rollcall join ADDRESS…`: makes an agent join others, now. */
import { Command } from 'commander';
import { pathPart, Refused } from './api.ts';
import { Exit, exitFailed, type Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';

export function command(io: Io): Command {
  return withAgent(new Command())
    .argument('<address...>', 'HOST[:PORT] of members; the port defaults to that of gossip')
    .action(async (addresses: string[], options: SharedOptions) => {
      const api = apiOf(options, io);
      const joined: string[] = [];
      const failed: { Address: string; Message: string }[] = [];
      for (const address of addresses) {
        try {
          await api.put(`/v1/agent/join/${pathPart(address)}`);
          joined.push(address);
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          failed.push({ Address: address, Message: oneLine(error.message) });
        }
      }
      if (options.format === 'json') await printJson(io, { Joined: joined, Failed: failed });
      else for (const address of joined) await io.print(`Joined ${address}.\n`);
      for (const { Address, Message } of failed) await io.complain(`${Address}: ${Message}\n`);
      if (joined.length === 0) throw new Exit(exitFailed, 'joined nobody');
    });
}

/** Consul's lists of errors say how many there are and begin each with a star. */
function oneLine(message: string): string {
  return message
    .replace(/^\d+ errors? occurred:\s*/, '')
    .replaceAll(/\s*\* /g, ' ')
    .trim();
}
