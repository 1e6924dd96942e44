/**
 * Who belongs to the servers, as the membership entries say. Joining and leaving the servers is an event; the names
 * come from the catalog row with that node id. Consul's clients expect a service `consul` on each of them.
 */
import type { Membership, ServerId } from '../../proto/raft.ts';
import type { Body, Change } from './change.ts';
import type { Effect } from './outcome.ts';
import { serverService } from './owners.ts';
import { eraseService, writeService } from './services.ts';

/** Beyond it the oldest is forgotten, and would be taken in again if it still ran. */
const barredMax = 1_000;

export function applyBar({ state }: Change, { id, barred }: Body<'server.bar'>): Effect {
  state.barred.delete(id);
  if (barred) state.barred.add(id);
  const [oldest] = state.barred;
  if (state.barred.size > barredMax && oldest !== undefined) state.barred.delete(oldest);
  return {};
}

/** A membership was committed: compares it with the servers known so far. */
export function applyMembership(change: Change, membership: Membership): void {
  const { servers } = change.state;
  const voters = new Set([...membership.voters, ...(membership.outgoing ?? [])]);
  const now = [...new Set([...voters, ...membership.learners])].sort();
  for (const id of [...servers.keys()].sort()) {
    if (now.includes(id)) continue;
    servers.delete(id);
    hideServer(change, id);
    tell(change, 'server.removed', id);
  }
  for (const id of now) {
    const isNew = !servers.has(id);
    servers.set(id, { address: membership.addresses[id] ?? '', voter: voters.has(id) });
    showServer(change, id);
    if (isNew) tell(change, 'server.added', id);
  }
}

/** Writes the service row of a server, once both the server and its node are known. */
export function showServer(change: Change, id: ServerId): void {
  const server = change.state.servers.get(id);
  const node = id === '' ? undefined : change.catalog.nodeById(id);
  if (server === undefined || node === undefined) return;
  writeService(change, node.name, {
    id: serverService,
    name: serverService,
    tags: [],
    address: '',
    port: portOf(server.address),
    meta: server.voter ? {} : { non_voter: 'true' },
    taggedAddresses: {},
    weights: { passing: 1, warning: 1 },
    enableTagOverride: false,
    kind: '',
  });
}

function hideServer(change: Change, id: ServerId): void {
  const node = change.catalog.nodeById(id);
  if (node !== undefined) eraseService(change, node.name, serverService);
}

function tell(change: Change, kind: 'server.added' | 'server.removed', id: ServerId): void {
  const node = change.catalog.nodeById(id);
  change.emit({
    Kind: kind,
    Node: node?.name ?? '',
    Cause: 'raft',
    Life: node?.life ?? 0,
    Evidence: { NodeId: id },
  });
}

/** Port of `host:port`; 0 when there is none. IPv6 hosts stand in brackets. */
export function portOf(address: string): number {
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  return Number.isInteger(port) ? port : 0;
}
