/**
 * What happens to the row of a check, and which event tells it. `From` is always what the row held, so the chain of
 * a check never breaks. Maintenance rows tell of maintenance instead; serfHealth tells nothing of its own.
 */
import { isDeepStrictEqual } from 'node:util';
import type { CheckRow } from '../../proto/schema/catalog.ts';
import type { EventDraft } from '../../proto/schema/event.ts';
import { nodeMaintenance, serfHealth, serviceMaintenancePrefix } from '../../proto/schema/words.ts';
import type { Change } from './change.ts';

/** What a writer says of a check; time and indexes are the state machine's. */
export type CheckInput = Omit<CheckRow, 'lastChange' | 'createIndex' | 'modifyIndex'>;

/** What the event says beside the change itself. */
export type EventMarks = Pick<EventDraft, 'Cause'> & Partial<Pick<EventDraft, 'ObservedAt' | 'Revision'>>;

/** Whose output counts when the status stays: an agent keeps its newest to itself, an external row has no agent. */
export type OutputRule = 'ofStatus' | 'newest';

/** Writes the row without an event. True when something was different. */
export function writeCheck(change: Change, input: CheckInput, output: OutputRule = 'newest'): boolean {
  const before = change.catalog.check(input.node, input.id);
  const hasTurned = before?.status !== input.status;
  const kept = before !== undefined && !hasTurned && output === 'ofStatus' ? before.output : input.output;
  // Key by key: rows that are made alike are several times quicker to make and to read than copies with additions.
  const row: CheckRow = {
    node: input.node,
    id: input.id,
    name: input.name,
    notes: input.notes,
    status: input.status,
    output: kept,
    lastChange: before === undefined || hasTurned ? change.time : before.lastChange,
    serviceId: input.serviceId,
    serviceName: input.serviceName,
    serviceTags: input.serviceTags,
    type: input.type,
    definition: input.definition,
    createIndex: before?.createIndex ?? change.index,
    modifyIndex: change.index,
  };
  if (before !== undefined && isSame(before, row)) return false;
  change.catalog.putCheck(row);
  return true;
}

/** But for the index of the change. What differs most often is looked at first. */
function isSame(before: CheckRow, row: CheckRow): boolean {
  if (before.output !== row.output || before.status !== row.status) return false;
  return isDeepStrictEqual({ ...before, modifyIndex: row.modifyIndex }, row);
}

/** The check is there and looks like this. True when the row was different. */
export function putCheck(change: Change, input: CheckInput, marks: EventMarks, output: OutputRule): boolean {
  const before = change.catalog.check(input.node, input.id);
  const isDifferent = writeCheck(change, input, output);
  if (before === undefined || before.status !== input.status) {
    tell(
      change,
      input,
      before === undefined ? 'added' : 'changed',
      before?.status ?? '',
      input.status,
      marks,
    );
  }
  return isDifferent;
}

/** The check is gone. True when it was there. */
export function removeCheck(change: Change, node: string, id: string, marks: EventMarks): boolean {
  const before = change.catalog.check(node, id);
  if (before === undefined) return false;
  change.catalog.removeCheck(node, id, change.index);
  tell(change, { ...before, output: '' }, 'removed', before.status, '', marks);
  return true;
}

/** An event about a check whose row was just changed, or is deliberately not kept. */
export function tell(
  change: Change,
  check: Pick<CheckRow, 'node' | 'id' | 'output' | 'notes' | 'serviceId'>,
  move: 'added' | 'changed' | 'removed',
  from: string,
  to: string,
  marks: EventMarks,
): void {
  if (check.id === serfHealth) return;
  const common = {
    Node: check.node,
    Service: check.serviceId,
    Check: check.id,
    Life: change.catalog.node(check.node)?.life ?? 0,
    ...marks,
  };
  if (!isMaintenance(check.id)) {
    change.emit({ Kind: `check.${move}`, From: from, To: to, Output: check.output, ...common });
    return;
  }
  const cause = { ...common, Cause: 'maintenance' as const };
  if (move === 'added') {
    change.emit({ Kind: 'maintenance.started', To: 'maintenance', Output: check.notes, ...cause });
  } else if (move === 'removed') {
    change.emit({ Kind: 'maintenance.ended', From: 'maintenance', ...cause });
  }
}

function isMaintenance(id: string): boolean {
  return id === nodeMaintenance || id.startsWith(serviceMaintenancePrefix);
}

/** An agent's own check as a row: name and tags of its service come from the catalog. */
export function inputOf(
  change: Change,
  node: string,
  check: Omit<CheckInput, 'node' | 'serviceName' | 'serviceTags'>,
): CheckInput {
  const service = check.serviceId === '' ? undefined : change.catalog.service(node, check.serviceId);
  return { ...check, node, serviceName: service?.name ?? '', serviceTags: service?.tags ?? [] };
}
