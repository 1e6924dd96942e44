/** `rollcall why NODE`: why a node was declared failed, the last time. */
import { Command } from 'commander';
import type { HealthEvent } from '../../proto/schema/event.ts';
import type { Api } from './api.ts';
import { formatDossier } from './dossier-text.ts';
import { readEvents, readPosition } from './event-source.ts';
import { formatRecord } from './event-text.ts';
import { Exit, exitFailed, harmless, type Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';

/** How far back it looks, in events of the whole log. */
const lookBackMax = 100_000;
const kinds = ['node.failed', 'node.evidence', 'node.recovered', 'node.left', 'node.reaped'];

export function command(io: Io): Command {
  return withAgent(new Command())
    .argument('<node>', 'name of the node')
    .action(async (node: string, options: SharedOptions) => {
      const events = await readHistory(apiOf(options, io), node);
      const failed = events.findLast((event) => event.Kind === 'node.failed');
      if (failed === undefined) {
        throw new Exit(exitFailed, `no failure of ${harmless(node)} is among the last ${lookBackMax} events`);
      }
      const told = events.filter(
        (event) => event === failed || (event.Kind === 'node.evidence' && event.Ref === failed.Offset),
      );
      const since = events.filter((event) => event.Offset > failed.Offset && event.Kind !== 'node.evidence');
      if (options.format === 'json') return printJson(io, [...told, ...since]);
      await io.print(`${harmless(node)} was declared failed at ${failed.Time} (event ${failed.Offset}).\n`);
      for (const event of told) if (event.Evidence !== null) await io.print(formatDossier(event.Evidence));
      if (told.every((event) => event.Evidence === null)) await io.print('  No evidence reached the log.\n');
      if (since.length > 0) await io.print('Since then:\n');
      for (const event of since) await io.print(`${formatRecord(event)}\n`);
    });
}

async function readHistory(api: Api, node: string): Promise<HealthEvent[]> {
  const { offset } = await readPosition(api);
  const events: HealthEvent[] = [];
  for await (const record of readEvents(api, Math.max(0, offset - lookBackMax), offset, {
    node,
    kind: kinds,
  })) {
    if ('Offset' in record) events.push(record);
  }
  return events;
}
