/** What happens to the row of a node: it comes, returns under a new life, changes its address, goes. */

import type { NodeRow } from '../../proto/schema/catalog.ts';
import type { EventCause } from '../../proto/schema/event.ts';
import type { AgentIdentity } from '../../proto/schema/journal.ts';
import { serfHealth } from '../../proto/schema/words.ts';
import type { Change } from './change.ts';
import { writeCheck } from './checks.ts';
import type { Refusal } from './outcome.ts';
import { refuse } from './outcome.ts';
import { showServer } from './servers.ts';

export const aliveOutput = 'Agent alive and reachable';
export const failedOutput = 'Agent not live or unreachable';
export const leftOutput = 'Agent left the cluster';

/**
 * The row of the agent that introduces itself, made or brought up to date. Its state stays what gossip said,
 * unless the row is new or passes to another data folder. A name whose holder lives under another node id is refused.
 */
export function admitAgent(change: Change, identity: AgentIdentity): NodeRow | { refused: Refusal } {
  const { catalog } = change;
  const row = catalog.node(identity.node);
  const isForeign = row !== undefined && (row.external || row.id !== identity.nodeId);
  if (row !== undefined && isForeign && isLivingAgent(row)) {
    return refuse(
      'NAME_TAKEN',
      `node name ${identity.node} is taken by a living member with id ${row.id} (${row.address}); choose another node_name`,
    );
  }
  const former = catalog.nodeById(identity.nodeId);
  if (former !== undefined && former.name !== identity.node && isLivingAgent(former)) {
    return refuse(
      'NAME_TAKEN',
      `node id ${identity.nodeId} belongs to the living member ${former.name} (${former.address}); a copied data folder needs a new id`,
    );
  }
  const journal = former ?? { journalId: '', revision: 0 };
  if (former !== undefined && former.name !== identity.node) forgetNode(change, former, 'join');
  if (row !== undefined && !isForeign) return refreshNode(change, row, identity);
  if (row !== undefined) catalog.clearNode(row.name, change.index);
  return comeAlive(change, row, {
    name: identity.node,
    ...hostOf(identity),
    id: identity.nodeId,
    state: 'alive',
    external: false,
    life: (row?.life ?? 0) + 1,
    incarnation: 0,
    journalId: journal.journalId,
    revision: journal.revision,
    createIndex: row?.createIndex ?? change.index,
    modifyIndex: change.index,
  });
}

/** A node that had failed or left is there again: its next life begins. */
export function reviveNode(change: Change, row: NodeRow): NodeRow {
  return comeAlive(change, row, {
    ...row,
    state: 'alive',
    life: row.life + 1,
    modifyIndex: change.index,
  });
}

/** Removes the row and all that it carries; one event for all of it. */
export function forgetNode(change: Change, row: NodeRow, cause: EventCause): void {
  change.catalog.removeNode(row.name, change.index);
  change.state.endings.delete(row.name);
  change.emit({ Kind: 'node.reaped', Node: row.name, From: row.state, Cause: cause, Life: row.life });
}

/** Consul's row that mirrors what gossip believes. It makes no event: the node's own event says it. */
export function mirrorGossip(change: Change, node: string, status: string, output: string): void {
  writeCheck(change, {
    node,
    id: serfHealth,
    name: 'Serf Health Status',
    notes: '',
    status,
    output,
    serviceId: '',
    serviceName: '',
    serviceTags: [],
    type: '',
    definition: {},
  });
}

function isLivingAgent(row: NodeRow): boolean {
  return row.state === 'alive' && !row.external;
}

function comeAlive(change: Change, before: NodeRow | undefined, row: NodeRow): NodeRow {
  change.catalog.putNode(row);
  change.emit({
    Kind: before?.state === 'failed' ? 'node.recovered' : 'node.joined',
    Node: row.name,
    From: before?.state ?? '',
    To: 'alive',
    Cause: 'join',
    Life: row.life,
  });
  mirrorGossip(change, row.name, 'passing', aliveOutput);
  showServer(change, row.id);
  return row;
}

function refreshNode(change: Change, row: NodeRow, identity: AgentIdentity): NodeRow {
  const host = hostOf(identity);
  const isSame =
    row.address === host.address &&
    row.datacenter === host.datacenter &&
    sameTexts(row.taggedAddresses, host.taggedAddresses) &&
    sameTexts(row.meta, host.meta);
  if (isSame) return row;
  const next = { ...row, ...host, modifyIndex: change.index };
  change.catalog.putNode(next);
  return next;
}

function hostOf(identity: AgentIdentity) {
  const { address, datacenter, taggedAddresses, meta } = identity;
  return { address, datacenter, taggedAddresses, meta };
}

export function sameTexts(
  a: Readonly<Record<string, string>> | null,
  b: Readonly<Record<string, string>> | null,
): boolean {
  if (a === null || b === null) return a === b;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
