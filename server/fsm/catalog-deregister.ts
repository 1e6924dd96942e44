/** Consul's catalog/deregister: a check, a service with its checks, or the node with everything. Unknown is fine. */
import type { Body, Change } from './change.ts';
import type { EventMarks } from './checks.ts';
import { removeCheck } from './checks.ts';
import { forgetNode } from './nodes.ts';
import type { Effect } from './outcome.ts';
import { removeService } from './services.ts';

const marks: EventMarks = { Cause: 'operator' };

export function applyDeregister(change: Change, body: Body<'catalog.deregister'>): Effect {
  if (body.serviceId !== '') removeService(change, body.node, body.serviceId, marks);
  else if (body.checkId !== '') removeCheck(change, body.node, body.checkId, marks);
  else {
    const row = change.catalog.node(body.node);
    if (row !== undefined) forgetNode(change, row, 'operator');
  }
  return {};
}
