/**
 * What a member says of itself. To a real Consul cluster ours look like Consul clients (never like its servers: role
 * `consul` would make a Consul leader take us for one of its own); what only we understand begins with `rc_`.
 */
import type { Endpoint } from '../proto/ports.ts';
import { programVersion } from '../proto/version.ts';
import type { Member } from './gossip/membership.ts';

/** Feature level of our gossip; its presence tells our own agents apart. */
const gossipLevel = '1';

export interface OwnTags {
  readonly nodeId: string;
  readonly datacenter: string;
  /** RPC port and `bootstrap_expect` of a server; null for a plain agent. */
  readonly server: { readonly port: number; readonly expect: number } | null;
}

export function ownTags({ nodeId, datacenter, server }: OwnTags): Readonly<Record<string, string>> {
  return {
    role: 'node',
    dc: datacenter,
    segment: '',
    id: nodeId,
    // Consul's protocol range, so that its members list shows us as a client it can talk to.
    vsn: '2',
    vsn_min: '2',
    vsn_max: '3',
    build: `1.8.7:rollcall-${programVersion}`,
    acls: '0',
    rc_gossip: gossipLevel,
    ...(server === null ? {} : { rc_port: `${server.port}`, rc_expect: `${server.expect}` }),
  };
}

export interface ServerTag {
  readonly rpc: Endpoint;
  readonly expect: number;
}

/** What a member that is one of our servers says; null for everybody else. */
export function serverOf(member: Member): ServerTag | null {
  const port = Number(member.tags.rc_port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return null;
  const expect = Number(member.tags.rc_expect);
  return {
    rpc: { host: member.address.host, port },
    expect: Number.isInteger(expect) && expect > 0 ? expect : 0,
  };
}

/** Whether gossip counts on the member: a suspect is innocent until its time is up. */
export function isThere(member: Member): boolean {
  return member.state === 'alive' || member.state === 'suspect';
}
