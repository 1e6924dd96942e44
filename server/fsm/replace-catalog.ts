/**
 * What a restored snapshot brings back, and what stays.
 *
 * Agents that the cluster knows stay as they are: gossip and their own journals know them better than any snapshot, and
 * a journal that was set back would write its events twice. Everything else becomes what the snapshot holds: external
 * nodes, and agents that this cluster has never seen or has forgotten, whose journals go on wherever they say. Membership
 * and leadership are the cluster's own. The event log goes on behind a gap, since no event tells what changed here.
 */
import type { NodeRow } from '../../proto/schema/catalog.ts';
import { Catalog } from '../catalog/catalog.ts';
import { Cursors } from '../cursors.ts';
import { Sessions } from '../sessions.ts';
import type { Change } from './change.ts';
import { isOthersService } from './owners.ts';
import { showServer } from './servers.ts';
import type { State } from './state.ts';

const reason = 'a snapshot was restored: read the catalog anew';

export function replaceCatalog(change: Change, taken: State): void {
  const { state } = change;
  const isSameLog = taken.events.logId === state.events.logId;
  const lastBefore = state.events.last;
  const { catalog, kept } = mergeCatalogs(change, taken.catalog);
  const cursors = mergeCursors(state, taken, isSameLog);
  const sessions = mergeSessions(state, taken);
  const endings = [...state.endings].filter(([node]) => kept.has(node));
  for (const [node, ending] of taken.endings) {
    // An offset of another log would refer to an event that has nothing to do with it.
    if (!kept.has(node)) endings.push([node, { ...ending, offset: isSameLog ? ending.offset : 0 }]);
  }
  state.catalog = catalog;
  state.cursors = cursors;
  state.sessions = sessions;
  state.endings = new Map(endings);
  for (const id of state.servers.keys()) showServer(change, id);
  // Numbers that this very log gave before it lost its newest part are not given again.
  change.skip(isSameLog ? taken.events.last : lastBefore, reason);
}

/** `kept`: names of the nodes that stay as they are. */
function mergeCatalogs(change: Change, taken: Catalog): { catalog: Catalog; kept: ReadonlySet<string> } {
  const { catalog: present } = change;
  const catalog = new Catalog();
  const staying = present.nodes().filter((row) => !row.external);
  const kept = new Set(staying.map(({ name }) => name));
  for (const row of staying) copyNode(change, catalog, present, row);
  for (const row of taken.nodes()) {
    if (kept.has(row.name) || (row.id !== '' && catalog.nodeById(row.id) !== undefined)) continue;
    const life = Math.max(row.life, present.node(row.name)?.life ?? 0);
    copyNode(change, catalog, taken, { ...row, life, journalId: '', revision: 0 });
  }
  catalog.indexes.allChanged(change.index);
  return { catalog, kept };
}

/** Every row counts as changed: whoever waits for news of the catalog is told, whatever numbers the snapshot had. */
function copyNode({ index, state }: Change, to: Catalog, from: Catalog, node: NodeRow): void {
  const marks = { createIndex: index, modifyIndex: index };
  to.putNode({ ...node, ...marks });
  for (const service of from.servicesOf(node.name)) {
    // Who is a server is said by this cluster's membership.
    if (isOthersService(service.id) && !state.servers.has(node.id)) continue;
    to.putService({ ...service, ...marks });
  }
  for (const check of from.checksOf(node.name)) to.putCheck({ ...check, ...marks });
}

/** A cursor never goes back. One that only the snapshot knows begins where the log was, so that its reader is told of the gap. */
function mergeCursors(state: State, taken: State, isSameLog: boolean): Cursors {
  const cursors = new Cursors();
  for (const cursor of taken.cursors.all()) {
    cursors.put({ ...cursor, offset: isSameLog ? cursor.offset : state.events.last });
  }
  for (const cursor of state.cursors.all()) {
    const offset = Math.max(
      cursor.offset,
      isSameLog ? (cursors.find(cursor.name, cursor.share)?.offset ?? 0) : 0,
    );
    cursors.put({ ...cursor, offset });
  }
  return cursors;
}

/** Both count: a write that was answered before the snapshot or before the restore has had its effect. */
function mergeSessions(state: State, taken: State): Sessions {
  const results = [...taken.sessions.all(), ...state.sessions.all()];
  const sessions = new Sessions();
  for (const result of results.sort((a, b) => a.timeMs - b.timeMs)) sessions.keep(result);
  return sessions;
}
