/** `rollcall members`: who is in the cluster, as gossip sees it. */
import { Command, Option } from 'commander';
import { formatAddress } from '../../proto/address.ts';
import type { Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';
import { formatTable } from './table.ts';

/** As in Consul's `GET /v1/agent/members`. */
interface ApiMember {
  readonly Name: string;
  readonly Addr: string;
  readonly Port: number;
  readonly Tags: Readonly<Record<string, string>>;
  readonly Status: number;
}

const states = ['none', 'alive', 'leaving', 'left', 'failed'];

interface Options extends SharedOptions {
  readonly status?: string;
}

export function command(io: Io): Command {
  return withAgent(new Command())
    .addOption(new Option('--status <state>', 'only members in this state').choices(states.slice(1)))
    .action(async (options: Options) => {
      const all = await apiOf(options, io).json<ApiMember[]>('/v1/agent/members');
      const members = all
        .filter((member) => options.status === undefined || stateOf(member) === options.status)
        .toSorted((a, b) => (a.Name < b.Name ? -1 : 1));
      if (options.format === 'json') return printJson(io, members);
      const rows = members.map((member) => [
        member.Name,
        formatAddress({ host: member.Addr, port: member.Port }),
        stateOf(member),
        typeOf(member),
        member.Tags.dc ?? '',
        buildOf(member),
        member.Tags.id ?? '',
      ]);
      await io.print(formatTable(['Node', 'Address', 'State', 'Type', 'DC', 'Build', 'Id'], rows));
    });
}

function stateOf(member: ApiMember): string {
  return states[member.Status] ?? String(member.Status);
}

/** Behind the version of Consul that we are compatible with stands our own; Consul has its revision there. */
function buildOf({ Tags: { build = '' } }: ApiMember): string {
  return build.split(':').findLast((part) => part !== '') ?? '';
}

/** Our servers name their RPC port in a tag of their own, Consul's their role; a stock Serf agent says neither. */
function typeOf(member: ApiMember): string {
  if (member.Tags.rc_port !== undefined || member.Tags.role === 'consul') return 'server';
  return member.Tags.role === 'node' ? 'agent' : '';
}
