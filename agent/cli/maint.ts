/** `rollcall maint`: takes a node or one service out of use on purpose, shows and ends it. */
import { Command, Option } from 'commander';
import { nodeMaintenance, serviceMaintenancePrefix } from '../../proto/schema/words.ts';
import { pathPart } from './api.ts';
import { Exit, exitUsage, type Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, withAgent } from './shared.ts';
import { formatTable } from './table.ts';

interface Options extends SharedOptions {
  readonly enable?: boolean;
  readonly disable?: boolean;
  readonly service?: string;
  readonly reason?: string;
}

interface ApiCheck {
  readonly CheckID: string;
  readonly Node: string;
  readonly Notes: string;
}

export function command(io: Io): Command {
  return withAgent(new Command())
    .addOption(new Option('--enable', 'begin').conflicts('disable'))
    .option('--disable', 'end')
    .option('--service <id>', 'one service instead of the whole node')
    .option('--reason <text>', 'shown with the maintenance')
    .action(async (options: Options) => {
      if (options.enable || options.disable) return set(options, io);
      if (options.service !== undefined || options.reason !== undefined) {
        throw new Exit(exitUsage, '--service and --reason need --enable or --disable');
      }
      return show(options, io);
    });
}

async function set(options: Options, io: Io): Promise<void> {
  const enable = options.enable === true;
  const path =
    options.service === undefined
      ? '/v1/agent/maintenance'
      : `/v1/agent/service/maintenance/${pathPart(options.service)}`;
  await apiOf(options, io).put(path, { enable: String(enable), reason: options.reason });
  const what = options.service === undefined ? 'node' : `service ${options.service}`;
  if (options.format === 'json') {
    return printJson(io, { Service: options.service ?? '', Maintenance: enable });
  }
  await io.print(`Maintenance of the ${what} ${enable ? 'has begun' : 'is over'}.\n`);
}

async function show(options: Options, io: Io): Promise<void> {
  const checks = Object.values(await apiOf(options, io).json<Record<string, ApiCheck>>('/v1/agent/checks'));
  const found = checks.flatMap(({ CheckID, Node, Notes }) => {
    if (CheckID === nodeMaintenance) return [{ Node, Service: '', Reason: Notes }];
    if (!CheckID.startsWith(serviceMaintenancePrefix)) return [];
    return [{ Node, Service: CheckID.slice(serviceMaintenancePrefix.length), Reason: Notes }];
  });
  if (options.format === 'json') return printJson(io, found);
  if (found.length === 0) return io.print('Nothing of this agent is in maintenance.\n');
  await io.print(
    formatTable(
      ['Node', 'Service', 'Reason'],
      found.map((row) => [row.Node, row.Service, row.Reason]),
    ),
  );
}
