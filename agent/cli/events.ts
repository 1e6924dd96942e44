/** `rollcall events`: what happened; with `--follow` it goes on until it is stopped. */
import { Command, Option } from 'commander';
import type { StreamRecord } from '../../proto/schema/event.ts';
import type { LocalRecord } from '../../proto/schema/local-event.ts';
import type { Query } from './api.ts';
import { followEvents, readEvents, readPosition } from './event-source.ts';
import { formatRecord } from './event-text.ts';
import { execForEvent } from './exec-event.ts';
import { Exit, exitFailed, exitUsage, harmless, type Io } from './io.ts';
import { followLocal, readLocal } from './local-source.ts';
import { Confirmations, type Cursor, cursorQuery, readNamed } from './named-source.ts';
import { apiOf, collect, durationMs, type SharedOptions, wholeNumber, withAgent } from './shared.ts';

interface Options extends SharedOptions {
  readonly follow?: boolean;
  readonly local?: boolean;
  readonly after?: number;
  readonly cursor?: string;
  readonly share?: string;
  readonly last: number;
  readonly kind?: readonly string[];
  readonly node?: readonly string[];
  readonly service?: readonly string[];
  readonly check?: readonly string[];
  readonly status?: readonly string[];
  readonly tag?: readonly string[];
  readonly filter?: string;
  readonly exec?: string;
  readonly execTimeout: number;
}

const lastDefault = 20;
/** Without `--after`, a filtered look back goes through so many events at most. */
const lookBackMax = 10_000;
const execTimeoutMs = 60_000;

export function command(io: Io): Command {
  return withAgent(new Command())
    .option('-f, --follow', 'go on with what happens from now (or from --after) on')
    .addOption(
      new Option(
        '--local',
        'what this agent heard by gossip, with no server: hints without a number',
      ).conflicts(['after', 'tag', 'cursor']),
    )
    .addOption(
      new Option(
        '--cursor <name>',
        'go on where this name has come to, and confirm what was shown and executed',
      ).conflicts('after'),
    )
    .option('--share <i/n>', 'with --cursor: the i-th of n readers that divide the nodes among them')
    .option('--after <offset>', 'everything after this number; 0: from the first that is kept', wholeNumber)
    .option('--last <n>', 'without --after and --follow: so many of the newest', wholeNumber, lastDefault)
    .option('--kind <kind>', 'only events of this kind, such as node.failed; repeatable', collect)
    .option('--node <name>', 'only events of this node; repeatable', collect)
    .option('--service <id>', 'only events of this service; repeatable', collect)
    .option('--check <id>', 'only events of this check; repeatable', collect)
    .option('--status <status>', 'only changes to this status or state; repeatable', collect)
    .option('--tag <tag>', 'only events of services with this tag; repeatable', collect)
    .option('--filter <expression>', 'an expression such as: Node == "web-1" and To == "critical"')
    .option('--exec <command>', 'run this for each event, one at a time, with the event as JSON on its input')
    .addOption(
      new Option('--exec-timeout <time>', 'then it is ended, with all that it started')
        .argParser(durationMs)
        .default(execTimeoutMs, '1m'),
    )
    .addHelpText('after', '\nWith --format json each record is one line.')
    .action(async (options: Options) => {
      const show = async (record: Shown) => {
        await print(record, options, io);
        await exec(record, options, io);
      };
      if (options.local) await showLocal(options, io, show);
      else if (options.cursor !== undefined) {
        await showNamed(options, { name: options.cursor, share: options.share ?? '' }, io, show);
      } else if (options.share !== undefined) throw new Exit(exitUsage, '--share needs --cursor');
      else if (options.follow) await follow(options, io, show);
      else if (options.after !== undefined) await showFrom(options, options.after, io, show);
      else await showLast(options, io, show);
    });
}

type Shown = StreamRecord | LocalRecord;
type Show = (record: Shown) => Promise<void>;

async function showLocal(options: Options, io: Io, show: Show): Promise<void> {
  const api = apiOf(options, io);
  const onChange = (message: string) => io.complain(`rollcall: ${message}\n`);
  if (options.follow) {
    for await (const record of followLocal(api, queryOf(options), { onChange })) await show(record);
  } else for (const record of await readLocal(api, queryOf(options), options.last)) await show(record);
}

async function follow(options: Options, io: Io, show: Show): Promise<void> {
  const api = apiOf(options, io);
  const now = await readPosition(api);
  const from = { ...now, offset: options.after ?? now.offset };
  const onChange = (message: string) => io.complain(`rollcall: ${message}\n`);
  for await (const record of followEvents(api, from, { filter: queryOf(options), onChange }))
    await show(record);
}

async function showNamed(options: Options, cursor: Cursor, io: Io, show: Show): Promise<void> {
  const api = apiOf(options, io);
  const filter = queryOf(options);
  const onChange = (message: string) => io.complain(`rollcall: ${message}\n`);
  const records = options.follow
    ? followEvents(api, null, { filter: { ...filter, ...cursorQuery(cursor) }, onChange })
    : readNamed(api, cursor, (await readPosition(api)).offset, filter);
  const confirmations = new Confirmations(api, cursor);
  let failure = '';
  try {
    for await (const record of records) {
      await confirmations.during(show(record));
      confirmations.note(record);
    }
  } finally {
    failure = await confirmations.flush();
  }
  if (failure !== '') throw new Exit(exitFailed, `the last events were not confirmed: ${failure}`);
}

async function showFrom(options: Options, after: number, io: Io, show: Show): Promise<void> {
  const api = apiOf(options, io);
  const { offset } = await readPosition(api);
  // One page at least, so that a number from the future is refused by the agent and not silently empty here.
  const end = Math.max(offset, after + 1);
  for await (const record of readEvents(api, after, end, queryOf(options))) await show(record);
}

async function showLast(options: Options, io: Io, show: Show): Promise<void> {
  const api = apiOf(options, io);
  const { offset } = await readPosition(api);
  const filter = queryOf(options);
  const window = Object.keys(filter).length === 0 ? options.last : lookBackMax;
  const newest: StreamRecord[] = [];
  for await (const record of readEvents(api, Math.max(0, offset - window), offset, filter)) {
    newest.push(record);
    if (newest.length > options.last) newest.shift();
  }
  for (const record of newest) await show(record);
}

function queryOf(options: Options): Query {
  const { kind, node, service, check, status, tag, filter } = options;
  const given = Object.entries({ kind, node, service, check, status, tag, filter });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined)) as Query;
}

async function print(record: Shown, options: Options, io: Io): Promise<void> {
  if (options.format === 'json') return io.print(`${JSON.stringify(record)}\n`);
  // Signs of life are for programs.
  if (!('Position' in record)) await io.print(`${formatRecord(record)}\n`);
}

async function exec(record: Shown, { exec: command, execTimeout }: Options, io: Io): Promise<void> {
  if (command === undefined || !('Kind' in record)) return;
  const { ok, message } = await execForEvent(command, record, execTimeout);
  const name = 'Offset' in record ? `event ${record.Offset}` : `${record.Kind} of ${harmless(record.Node)}`;
  if (!ok) await io.complain(`rollcall: ${name}: the command ${message}\n`);
}
