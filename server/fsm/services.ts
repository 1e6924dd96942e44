/** What happens to the row of a service. A service that goes takes its checks with it, as one event. */
import { isDeepStrictEqual } from 'node:util';
import type { OwnService, ServiceRow } from '../../proto/schema/catalog.ts';
import type { Change } from './change.ts';
import type { EventMarks } from './checks.ts';

/** Writes the row without an event. True when something was different. */
export function writeService(change: Change, node: string, service: OwnService): boolean {
  const before = change.catalog.service(node, service.id);
  const row: ServiceRow = {
    ...service,
    node,
    createIndex: before?.createIndex ?? change.index,
    modifyIndex: before?.modifyIndex ?? change.index,
  };
  if (before !== undefined && isDeepStrictEqual(before, row)) return false;
  change.catalog.putService({ ...row, modifyIndex: change.index });
  for (const check of change.catalog.checksOf(node)) {
    if (check.serviceId !== service.id) continue;
    const copy = { ...check, serviceName: service.name, serviceTags: service.tags };
    if (!isDeepStrictEqual(check, copy)) change.catalog.putCheck({ ...copy, modifyIndex: change.index });
  }
  return true;
}

/** The service is there and looks like this. True when the row was different. */
export function putService(change: Change, node: string, service: OwnService, marks: EventMarks): boolean {
  const isNew = change.catalog.service(node, service.id) === undefined;
  const isDifferent = writeService(change, node, service);
  if (isNew) tell(change, 'service.registered', node, service.id, marks);
  return isDifferent;
}

/** The service is gone, and its checks with it. True when it was there. */
export function removeService(change: Change, node: string, id: string, marks: EventMarks): boolean {
  if (change.catalog.service(node, id) === undefined) return false;
  eraseService(change, node, id);
  tell(change, 'service.deregistered', node, id, marks);
  return true;
}

/** Removes the row and its checks without an event. */
export function eraseService(change: Change, node: string, id: string): void {
  for (const check of change.catalog.checksOf(node)) {
    if (check.serviceId === id) change.catalog.removeCheck(node, check.id, change.index);
  }
  change.catalog.removeService(node, id, change.index);
}

function tell(
  change: Change,
  kind: 'service.registered' | 'service.deregistered',
  node: string,
  id: string,
  marks: EventMarks,
): void {
  const life = change.catalog.node(node)?.life ?? 0;
  change.emit({ Kind: kind, Node: node, Service: id, Life: life, ...marks });
}
