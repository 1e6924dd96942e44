/**
 * The full comparison: an agent with an empty journal says what it has, and the catalog follows. Every repair carries
 * the cause `sync`, so that people see that something had been missed.
 */
import type { Body, Change } from './change.ts';
import type { EventMarks } from './checks.ts';
import { inputOf, putCheck, removeCheck } from './checks.ts';
import { admitAgent } from './nodes.ts';
import type { Effect } from './outcome.ts';
import { isOthersCheck, isOthersService } from './owners.ts';
import { putService, removeService } from './services.ts';

export function applySync(change: Change, body: Body<'sync'>): Effect {
  const row = admitAgent(change, body.identity);
  if ('refused' in row) return row;
  const isStale = row.journalId === body.journalId && row.revision > body.revision;
  if (isStale || row.state === 'left') return { revision: row.revision };
  const repairs = repairServices(change, row.name, body) + repairChecks(change, row.name, body);
  if (row.journalId !== body.journalId || row.revision !== body.revision) {
    change.catalog.advanceJournal(row.name, body.journalId, body.revision);
  }
  return { repairs, revision: body.revision };
}

const marks: EventMarks = { Cause: 'sync' };

function repairServices(change: Change, node: string, body: Body<'sync'>): number {
  const own = body.services.filter((service) => !isOthersService(service.id));
  const ids = new Set(own.map((service) => service.id));
  let repairs = 0;
  for (const { id } of change.catalog.servicesOf(node)) {
    if (!ids.has(id) && !isOthersService(id) && removeService(change, node, id, marks)) repairs += 1;
  }
  for (const service of own) if (putService(change, node, service, marks)) repairs += 1;
  return repairs;
}

function repairChecks(change: Change, node: string, body: Body<'sync'>): number {
  const own = body.checks.filter((check) => !isOthersCheck(check.id));
  const ids = new Set(own.map((check) => check.id));
  let repairs = 0;
  for (const { id } of change.catalog.checksOf(node)) {
    if (!ids.has(id) && !isOthersCheck(id) && removeCheck(change, node, id, marks)) repairs += 1;
  }
  for (const check of own) {
    if (putCheck(change, inputOf(change, node, check), marks, 'ofStatus')) repairs += 1;
  }
  return repairs;
}
