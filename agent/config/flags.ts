/** The command line of `rollcall agent` as a layer of configuration, so that it merges and explains like a file. */
import { fromPlain, type LocatedEntry, type LocatedMap, map, type Place } from './located.ts';

/** What was given on the command line; what is absent was not given. */
export interface AgentFlags {
  readonly dev?: boolean;
  readonly node?: string;
  readonly datacenter?: string;
  readonly bind?: string;
  readonly advertise?: string;
  readonly client?: string;
  readonly dataDir?: string;
  readonly server?: boolean;
  readonly bootstrapExpect?: number;
  readonly join?: readonly string[];
  readonly httpPort?: number;
  readonly serfPort?: number;
  readonly serverPort?: number;
  readonly dnsPort?: number;
  readonly logLevel?: string;
  readonly logJson?: boolean;
}

/** Key of the file that a flag stands for; `--dev` is a layer of its own. */
const keys: ReadonlyArray<readonly [keyof AgentFlags, string, string]> = [
  ['node', '--node', 'node_name'],
  ['datacenter', '--datacenter', 'datacenter'],
  ['bind', '--bind', 'bind_addr'],
  ['advertise', '--advertise', 'advertise_addr'],
  ['client', '--client', 'client_addr'],
  ['dataDir', '--data-dir', 'data_dir'],
  ['server', '--server', 'server'],
  ['bootstrapExpect', '--bootstrap-expect', 'bootstrap_expect'],
  ['join', '--join', 'retry_join'],
  ['httpPort', '--http-port', 'ports.http'],
  ['serfPort', '--serf-port', 'ports.serf_lan'],
  ['serverPort', '--server-port', 'ports.server'],
  ['dnsPort', '--dns-port', 'ports.dns'],
  ['logLevel', '--log-level', 'log_level'],
  ['logJson', '--log-json', 'log_json'],
];

export function flagLayer(flags: AgentFlags): LocatedMap {
  const commandLine: Place = { file: 'command line', line: 0, column: 0 };
  const top = new Map<string, LocatedEntry>();
  const ports = new Map<string, LocatedEntry>();
  for (const [flag, spelling, key] of keys) {
    const value = flags[flag];
    if (value === undefined) continue;
    const at: Place = { file: spelling, line: 0, column: 0 };
    const entry = { keyAt: at, value: fromPlain(value, at) };
    if (key.startsWith('ports.')) ports.set(key.slice('ports.'.length), entry);
    else top.set(key, entry);
  }
  if (ports.size > 0) top.set('ports', { keyAt: commandLine, value: map(ports, commandLine) });
  return map(top, commandLine);
}
