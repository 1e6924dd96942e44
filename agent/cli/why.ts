/** `rollcall why NODE`: why a node was declared failed, the last time. */
import { Command } from 'commander';
import type { HealthEvent } from '../../proto/schema/event.ts';
import type { LocalEvent } from '../../proto/schema/local-event.ts';
import { type Api, Refused } from './api.ts';
import { formatDossier } from './dossier-text.ts';
import { readEvents, readPosition } from './event-source.ts';
import { formatRecord } from './event-text.ts';
import { Exit, exitFailed, harmless, type Io } from './io.ts';
import { readLocal } from './local-source.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';

/** How far back it looks, in events of the whole log, or of what the agent heard by gossip. */
const lookBackMax = 100_000;
const kinds = ['node.failed', 'node.evidence', 'node.recovered', 'node.left', 'node.reaped'];

export function command(io: Io): Command {
  return withAgent(new Command())
    .argument('<node>', 'name of the node')
    .action(async (node: string, options: SharedOptions) => {
      const api = apiOf(options, io);
      try {
        await tellFromLog(await readHistory(api, node), node, options, io);
      } catch (error) {
        if (!(error instanceof Refused) || error.status < 500) throw error;
        await tellFromGossip(api, error, node, options, io);
      }
    });
}

async function tellFromLog(
  events: readonly HealthEvent[],
  node: string,
  options: SharedOptions,
  io: Io,
): Promise<void> {
  const failed = events.findLast((event) => event.Kind === 'node.failed');
  if (failed === undefined) throw unknown(node, `among the last ${lookBackMax} events`);
  const told = events.filter(
    (event) => event === failed || (event.Kind === 'node.evidence' && event.Ref === failed.Offset),
  );
  const since = events.filter((event) => event.Offset > failed.Offset && event.Kind !== 'node.evidence');
  if (options.format === 'json') return printJson(io, [...told, ...since]);
  await io.print(`${harmless(node)} was declared failed at ${failed.Time} (event ${failed.Offset}).\n`);
  for (const event of told) if (event.Evidence !== null) await io.print(formatDossier(event.Evidence));
  if (told.every((event) => event.Evidence === null)) await io.print('  No evidence reached the log.\n');
  await tellSince(since, io);
}

/** No server answers: what the agent itself saw, with the evidence when the verdict was its own. */
async function tellFromGossip(
  api: Api,
  reason: Refused,
  node: string,
  options: SharedOptions,
  io: Io,
): Promise<void> {
  const events = await readLocal(api, { node, kind: kinds }, lookBackMax);
  const at = events.findLastIndex((event) => event.Kind === 'node.failed');
  const failed = events[at];
  if (failed === undefined) throw unknown(node, `in what this agent saw itself; the log: ${reason.message}`);
  if (options.format === 'json') return printJson(io, events.slice(at));
  await io.print(`The log cannot be read (${reason.message}); this is what the agent saw itself.\n`);
  await io.print(`${harmless(node)} was declared failed at ${failed.Time}.\n`);
  await io.print(
    failed.Evidence === null ? '  The verdict was not its own.\n' : formatDossier(failed.Evidence),
  );
  await tellSince(events.slice(at + 1), io);
}

async function tellSince(events: readonly (HealthEvent | LocalEvent)[], io: Io): Promise<void> {
  if (events.length > 0) await io.print('Since then:\n');
  for (const event of events) await io.print(`${formatRecord(event)}\n`);
}

function unknown(node: string, where: string): Exit {
  return new Exit(exitFailed, `no failure of ${harmless(node)} is ${where}`);
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
