/** `rollcall agent`: from flags and files to a running agent. */
import { Command, InvalidArgumentError } from 'commander';
import type { AgentFlags } from '../config/flags.ts';
import type { LoadRequest } from '../config/load.ts';
import { type LoadedConfig, loadConfigApart } from '../config/load-apart.ts';
import { formatProblem } from '../config/problems.ts';
import { Exit, exitFailed, harmless, type Io } from './io.ts';
import { preferSpeed } from './memory.ts';
import { collect, wholeNumber } from './shared.ts';

interface Options extends AgentFlags {
  readonly config?: readonly string[];
}

export function command(io: Io): Command {
  return withAgentFlags(new Command()).action(async (options: Options) => {
    const request = requestOf(options);
    // Only now: `rollcall agent --help` needs nothing of what an agent is made of. Another process reads the files.
    const [{ config }, { runAgent }] = await Promise.all([loadAloud(request, io), import('./run-agent.ts')]);
    if (config.server) preferSpeed();
    await runAgent(config, () => loadConfigApart(request));
  });
}

/** The flags of an agent; `config explain` takes the same. */
export function withAgentFlags(command: Command): Command {
  return command
    .option('-c, --config <path>', 'file, or folder of .yaml, .yml and .json files; repeatable', collect)
    .option('--dev', 'a cluster of one on this machine that keeps nothing on disk')
    .option('--node <name>', 'name of this node (default: the host name)')
    .option('--datacenter <name>', 'only agents of one datacenter form a cluster')
    .option('--bind <address>', 'IP address for gossip and server RPC')
    .option('--advertise <address>', 'IP address that the others are told')
    .option('--client <addresses>', 'IP addresses for the HTTP API, separated by spaces')
    .option('--data-dir <folder>', 'folder for what must survive a restart')
    .option('--server', 'vote, and keep the catalog')
    .option('--bootstrap-expect <n>', 'so many new servers begin a cluster together', wholeNumber)
    .option('--join <address>', 'HOST[:PORT] of a member, tried until one answers; repeatable', collect)
    .option('--http-port <port>', 'port of the HTTP API; -1 keeps it closed', portNumber)
    .option('--serf-port <port>', 'port of gossip', portNumber)
    .option('--server-port <port>', 'port of server RPC', portNumber)
    .option('--dns-port <port>', 'port of DNS; -1 keeps it closed', portNumber)
    .option('--log-level <level>', 'trace, debug, info, warn or error')
    .option('--log-json', 'one JSON object a line');
}

export function requestOf(options: Options): LoadRequest {
  const { config = [], ...flags } = options;
  return { paths: config, flags };
}

/** Reads the configuration and says what is wrong with it; an error ends the command. */
export async function loadAloud(
  request: LoadRequest,
  io: Io,
): Promise<LoadedConfig & { config: NonNullable<LoadedConfig['config']> }> {
  const result = await loadConfigApart(request);
  for (const problem of result.problems) await io.complain(`${harmless(formatProblem(problem))}\n`);
  const { config } = result;
  if (config !== null) return { ...result, config };
  const errors = result.problems.filter((problem) => problem.level === 'error').length;
  const count = errors === 1 ? 'an error' : `${errors} errors`;
  throw new Exit(exitFailed, `the configuration has ${count}; nothing was started`);
}

function portNumber(text: string): number {
  if (/^(-1|\d{1,5})$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a port number.');
}
