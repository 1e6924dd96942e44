/**
 * Records of an agent's journal, each applied once: the node's row remembers (journal id, revision), and only the
 * next number counts. What comes again is skipped, what comes too early waits for the agent to send what lies between.
 */

import type { NodeRow } from '../../proto/schema/catalog.ts';
import type { JournalRecord } from '../../proto/schema/journal.ts';
import { revisionBefore } from '../../proto/schema/revision.ts';
import type { Body, Change } from './change.ts';
import type { EventMarks } from './checks.ts';
import { inputOf, putCheck, removeCheck, tell } from './checks.ts';
import { admitAgent } from './nodes.ts';
import type { Effect } from './outcome.ts';
import { isOthersCheck, isOthersService } from './owners.ts';
import { putService, removeService } from './services.ts';

export function applyJournal(change: Change, body: Body<'journal'>): Effect {
  const row = admitAgent(change, body.identity);
  if ('refused' in row) return row;
  let revision = startOf(row, body);
  for (const record of body.records) {
    if (record.revision <= revision || revisionBefore(record) > revision) continue;
    revision = record.revision;
    applyRecord(change, row.name, record);
  }
  if (row.journalId !== body.journalId || row.revision !== revision) {
    if (revision === 0) return { revision };
    change.catalog.advanceJournal(row.name, body.journalId, revision);
  }
  return { revision };
}

/**
 * The number after which this delivery may go on. A row without a journal (a new cluster, a node that was reaped)
 * takes the agent's word for what was confirmed before; a new journal on a known row starts at 1.
 */
function startOf(row: NodeRow, body: Body<'journal'>): number {
  if (row.journalId === body.journalId) return row.revision;
  const first = body.records[0];
  return row.journalId === '' && first !== undefined ? revisionBefore(first) : 0;
}

function applyRecord(change: Change, node: string, record: JournalRecord): void {
  const { revision } = record;
  const marks = { Revision: revision, ObservedAt: new Date(record.observedAtMs).toISOString() };
  const byAgent: EventMarks = { ...marks, Cause: 'check' };
  switch (record.kind) {
    case 'check.status':
      applyStatus(change, node, record, { ...marks, Cause: record.cause });
      return;
    case 'check.put':
      if (isOthersCheck(record.check.id)) return;
      if (keepsRows(change, node)) putCheck(change, inputOf(change, node, record.check), byAgent, 'ofStatus');
      return;
    case 'check.remove':
      if (!isOthersCheck(record.check)) removeCheck(change, node, record.check, byAgent);
      return;
    case 'service.put':
      if (isOthersService(record.service.id)) return;
      if (keepsRows(change, node)) putService(change, node, record.service, { ...marks, Cause: '' });
      return;
    case 'service.remove':
      if (!isOthersService(record.service))
        removeService(change, node, record.service, { ...marks, Cause: '' });
      return;
    case 'lost':
      change.emit({
        Kind: 'journal.lost',
        Node: node,
        Cause: 'overflow',
        Life: lifeOf(change, node),
        Evidence: { Count: record.count, Since: new Date(record.sinceMs).toISOString() },
        ...marks,
      });
      return;
    case 'notice':
      change.emit({
        Kind: record.event,
        Node: node,
        Cause: record.event === 'agent.stalled' ? 'check' : 'security',
        Life: lifeOf(change, node),
        Output: record.output,
        Evidence: record.evidence,
        ...marks,
      });
      return;
  }
}

/**
 * A transition that the agent saw. Its row may be gone (the node left, an operator removed it): the event is written
 * all the same, since nobody who listens may miss it, and the row comes back with what is known of it.
 */
function applyStatus(
  change: Change,
  node: string,
  record: Extract<JournalRecord, { kind: 'check.status' }>,
  marks: EventMarks,
): void {
  if (isOthersCheck(record.check)) return;
  const before = change.catalog.check(node, record.check);
  const { status, output } = record;
  if (before !== undefined) {
    putCheck(change, { ...before, status, output }, marks, 'ofStatus');
    return;
  }
  const input = inputOf(change, node, {
    id: record.check,
    name: record.check,
    notes: '',
    status,
    output,
    serviceId: '',
    type: '',
    definition: {},
  });
  if (keepsRows(change, node)) putCheck(change, input, marks, 'ofStatus');
  else tell(change, input, 'changed', '', status, marks);
}

/** What a node that left says afterwards is told, but makes no rows that nobody would clear away. */
function keepsRows(change: Change, node: string): boolean {
  return change.catalog.node(node)?.state !== 'left';
}

function lifeOf(change: Change, node: string): number {
  return change.catalog.node(node)?.life ?? 0;
}
