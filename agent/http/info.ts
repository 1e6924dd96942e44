/** What an agent says of itself: for Consul's clients (`self`) and for people (`info`). */
import { formatAddress } from '../../proto/address.ts';
import type { HttpContext } from './context.ts';
import { shapeMember } from './shapes.ts';

/** Clients read `Config.Datacenter`, `Config.NodeName` and `Member`; `Stats` are maps of strings. */
export function agentSelf(context: HttpContext) {
  const { facts, membership } = context;
  return {
    Config: {
      Datacenter: facts.datacenter,
      NodeName: facts.node,
      NodeID: facts.nodeId,
      Revision: '',
      Server: facts.server,
      Version: facts.version,
    },
    DebugConfig: context.shownConfig(),
    Coord: { Vec: [0, 0, 0, 0, 0, 0, 0, 0], Error: 1.5, Adjustment: 0, Height: 0.00001 },
    Member: shapeMember(membership.self()),
    Stats: stats(context),
    Meta: facts.nodeMeta,
  };
}

function stats(context: HttpContext): Record<string, Record<string, string>> {
  const { facts, local, membership } = context;
  const checks = local.checks();
  const members = membership.members();
  const count = (state: string) => String(members.filter((member) => member.state === state).length);
  const raft = context.raftStatus();
  return {
    agent: {
      check_monitors: String(checks.filter(({ type }) => type === 'script').length),
      check_ttls: String(checks.filter(({ type }) => type === 'ttl').length),
      checks: String(checks.length),
      services: String(local.services().length),
    },
    build: { version: facts.version, revision: '', prerelease: '' },
    consul: facts.server
      ? { acl: 'disabled', server: 'true' }
      : { acl: 'disabled', known_servers: String(context.poolStatus()?.known.length ?? 0), server: 'false' },
    ...(raft === null ? {} : { raft: texts(raft) }),
    runtime: {
      arch: process.arch,
      os: process.platform,
      version: process.version,
    },
    serf_lan: { members: String(members.length), failed: count('failed'), left: count('left') },
  };
}

function texts(values: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

export async function agentInfo(context: HttpContext) {
  const { facts, clock, membership } = context;
  const pool = context.poolStatus();
  const sync = context.syncStatus();
  const members = membership.members();
  const states = [...new Set(members.map(({ state }) => state))].sort();
  return {
    Name: facts.node,
    ID: facts.nodeId,
    Version: facts.version,
    Datacenter: facts.datacenter,
    Server: facts.server,
    StartedAt: time(facts.startedAtMs),
    UptimeSeconds: Math.round((clock.wallMs() - facts.startedAtMs) / 1000),
    Servers:
      pool === null
        ? null
        : {
            Known: pool.known.map(({ name, address }) => ({ Name: name, Address: formatAddress(address) })),
            Used: pool.used === null ? '' : pool.used.name,
            SilentSince: time(pool.silentSinceMs),
            LastFailure: pool.lastFailure,
          },
    Journal: { Unconfirmed: context.journalLength() },
    Sync: { ComparedAt: time(sync.comparedAtMs), Failures: sync.failures, LastFailure: sync.lastFailure },
    Address: {
      Advertised: formatAddress(membership.self().address),
      SeenAs: context.seenAs().map(({ address, by, atMs }) => ({ Address: address, By: by, At: time(atMs) })),
    },
    Members: Object.fromEntries(
      states.map((state) => [state, members.filter((member) => member.state === state).length]),
    ),
    LocalEvents: localEvents(context),
    Escapes: { Ended: context.escapes().killed, Named: context.escapes().strangers },
    Gossip: await membership.stats(),
    Raft: context.raftStatus(),
  };
}

/** News of checks by gossip: what this agent told of its own, and what it heard from all. */
function localEvents(context: HttpContext) {
  const { told, omitted, waiting } = context.checkNews();
  const { heard, unreadable } = context.localEvents.counts();
  return { Told: told, Omitted: omitted, Waiting: waiting, Heard: heard, Unreadable: unreadable };
}

function time(wallMs: number | null): string {
  return wallMs === null ? '' : new Date(wallMs).toISOString();
}
