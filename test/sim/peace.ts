/** What must be true of a cluster that nobody disturbs any more. */
import { hashOfState } from './checkers/state.ts';
import type { ServerCluster } from './server-cluster.ts';
import type { SimServer } from './sim-server.ts';

export function isAtPeace(cluster: ServerCluster, present: readonly SimServer[]): boolean {
  return whatIsMissing(cluster, present) === '';
}

/** The first thing that is not as it should be, in words; '' when all is well. */
export function whatIsMissing(cluster: ServerCluster, present: readonly SimServer[]): string {
  const { history, agents, ledger, leader } = cluster;
  if (leader === undefined) return `nobody leads (${present.map(describe).join('; ')})`;
  if (history.open > 0) return `${history.open} operations have not ended`;
  for (const agent of agents) {
    if (agent.waiting !== 0) return `${agent.name} has ${agent.waiting ?? 'unread'} records to deliver`;
  }
  for (const server of present) {
    const difference = differs(server, leader);
    if (difference !== '') return `${server.name} differs from ${leader.name} in its ${difference}`;
  }
  for (const agent of agents) {
    for (const { at } of agent.listeners) {
      if (at < ledger.last) return `a listener at ${agent.name} stands at ${at} of ${ledger.last}`;
    }
    const wrong = wrongRow(agent.name, agent.ownChecks(), leader);
    if (wrong !== '') return wrong;
  }
  return '';
}

function differs(server: SimServer, leader: SimServer): string {
  const one = server.consensus;
  const other = leader.consensus;
  if (one === null || other === null) return 'being there';
  const a = one.replica.status();
  const b = other.replica.status();
  if (a.leader !== b.id) return 'leader';
  if (!isMember(server.id, b.membership)) return 'place in the membership';
  if (b.membership.outgoing !== null) return 'membership, which is changing';
  if (a.lastIndex !== b.lastIndex || a.commit !== b.commit || b.commit !== b.lastIndex) return 'log';
  if (a.applied !== b.applied) return 'applied entries';
  if (one.events.last !== other.events.last) return 'last event';
  if (server !== leader && hashOfState(one.fsm) !== hashOfState(other.fsm)) return 'state';
  return '';
}

function isMember(
  id: string,
  { voters, learners }: { readonly voters: readonly string[]; readonly learners: readonly string[] },
): boolean {
  return voters.includes(id) || learners.includes(id);
}

/** The catalog says of every check what its agent says. */
function wrongRow(
  node: string,
  own: readonly { readonly id: string; readonly status: string }[],
  leader: SimServer,
): string {
  const { catalog } = leader.consensus!.fsm.state;
  for (const { id, status } of own) {
    const row = catalog.check(node, id);
    if (row?.status !== status)
      return `${node}/${id} is ${status}, and the catalog says ${row?.status ?? 'nothing'}`;
  }
  return '';
}

function describe({ name, host, consensus }: SimServer): string {
  if (!host.running) return `${name} ${host.up ? 'stands still' : 'is down'}`;
  if (consensus === null) return `${name} is in no cluster`;
  const { role, term, lastIndex, commit, membership } = consensus.replica.status();
  return `${name} ${role} in term ${term}, ${commit}/${lastIndex}, ${membership.voters.length} voters`;
}
