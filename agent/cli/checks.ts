/** `rollcall checks`: how everything is, as the catalog has it, or this agent alone with `--local`. */
import { Command, Option } from 'commander';
import { formatDuration } from '../../proto/duration.ts';
import type { Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';
import { formatTable } from './table.ts';

/** As in Consul's health endpoints. */
interface ApiCheck {
  readonly Node: string;
  readonly CheckID: string;
  readonly Name: string;
  readonly Status: string;
  readonly Output: string;
  readonly Notes: string;
  readonly ServiceID: string;
  /** Ours: also `pending`, `stale` and `maintenance`, which Consul's clients see as critical. */
  readonly RollcallStatus?: string;
  /** Ours: time of the last change of status. */
  readonly LastChange?: string;
  /** Ours, of an agent's own checks: time of the newest result, and whether it is from before the agent's start. */
  readonly LastResult?: string;
  readonly Restored?: boolean;
}

interface Options extends SharedOptions {
  readonly local?: boolean;
  readonly node?: string;
  readonly status?: string;
}

/** The worst first: whoever looks is looking for them. */
const order = ['critical', 'stale', 'warning', 'maintenance', 'pending', 'passing'];

export function command(io: Io): Command {
  return withAgent(new Command())
    .option('--local', 'only the checks of this agent, with their newest output')
    .option('--node <name>', 'only the checks of this node')
    .addOption(new Option('--status <status>', 'only checks with this status').choices(order))
    .action(async (options: Options) => {
      const checks = (await read(options, io))
        .filter((check) => options.node === undefined || check.Node === options.node)
        .filter((check) => options.status === undefined || statusOf(check) === options.status)
        .toSorted(byWorst);
      if (options.format === 'json') return printJson(io, checks);
      const rows = checks.map((check) => [
        `${statusOf(check)}${ageOf(check)}`,
        check.Node,
        check.ServiceID,
        check.CheckID,
        check.LastChange ?? '',
        firstLine(statusOf(check) === 'maintenance' ? check.Notes : check.Output),
      ]);
      await io.print(formatTable(['Status', 'Node', 'Service', 'Check', 'Since', 'Output'], rows));
    });
}

async function read(options: Options, io: Io): Promise<ApiCheck[]> {
  const api = apiOf(options, io);
  if (options.local) return Object.values(await api.json<Record<string, ApiCheck>>('/v1/agent/checks'));
  return api.json<ApiCheck[]>('/v1/health/state/any');
}

function byWorst(a: ApiCheck, b: ApiCheck): number {
  return (
    rank(a) - rank(b) ||
    a.Node.localeCompare(b.Node) ||
    a.ServiceID.localeCompare(b.ServiceID) ||
    a.CheckID.localeCompare(b.CheckID)
  );
}

function statusOf(check: ApiCheck): string {
  return check.RollcallStatus ?? check.Status;
}

/** How old a status is that an agent has only from before its start. */
function ageOf({ Restored = false, LastResult = '' }: ApiCheck): string {
  if (!Restored) return '';
  const seconds = Math.max(0, Math.round((Date.now() - Date.parse(LastResult)) / 1_000));
  return ` (${formatDuration(seconds * 1_000)} old)`;
}

function rank(check: ApiCheck): number {
  const found = order.indexOf(statusOf(check));
  return found === -1 ? 0 : found;
}

const outputCharactersMax = 80;

function firstLine(output: string): string {
  const line = output.trim().split('\n', 1)[0]!;
  return line.length > outputCharactersMax ? `${line.slice(0, outputCharactersMax - 1)}…` : line;
}
