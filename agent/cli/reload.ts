/** `rollcall reload`: the agent reads its files again and says what that changed, item by item. */
import { Command } from 'commander';
import type { ConfigDifference } from '../reload.ts';
import { type Answer, type Api, parseJson, Refused } from './api.ts';
import { Exit, exitFailed, harmless, type Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';

export function command(io: Io): Command {
  return withAgent(new Command()).action(async (options: SharedOptions) => {
    const api = apiOf(options, io);
    const { body } = await asked(api, io);
    // Consul answers with nothing at all.
    const difference: ConfigDifference =
      body === '' ? { items: [], live: [], restart: [] } : parseJson(body, api.base);
    if (options.format === 'json') return printJson(io, difference);
    await io.print(body === '' ? 'Reloaded.\n' : formatDifference(difference));
  });
}

/** A configuration with several errors is told with a line for each. */
async function asked(api: Api, io: Io): Promise<Answer> {
  try {
    return await api.put('/v1/agent/reload');
  } catch (error) {
    if (!(error instanceof Refused) || error.lines.length === 1) throw error;
    for (const line of error.lines) await io.complain(`${line}\n`);
    throw new Exit(exitFailed, 'the configuration has errors; nothing has changed');
  }
}

const signs = { added: '+', changed: '~', removed: '-' } as const;

/** One line an item; ends with a newline. */
export function formatDifference(difference: ConfigDifference): string {
  const { items, live, restart } = difference;
  const lines = items.map(({ item, id, change }) => `${signs[change]} ${item} ${harmless(id)} ${change}`);
  if (live.length > 0) lines.push(`In effect now: ${live.join(', ')}.`);
  if (restart.length > 0) lines.push(`In effect after a restart: ${restart.join(', ')}.`);
  return `${lines.length === 0 ? 'Nothing has changed.' : lines.join('\n')}\n`;
}
