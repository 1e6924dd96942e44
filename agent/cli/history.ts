/** `rollcall history NODE|CHECK`: since when, how often, and for which part of a time something was well. */
import { Command } from 'commander';
import { nodeMaintenance, serfHealth, serviceMaintenancePrefix } from '../../proto/schema/words.ts';
import type { Api } from './api.ts';
import { formatHistory, type History, summaryRow } from './history-text.ts';
import { Exit, exitFailed, harmless, type Io } from './io.ts';
import { apiOf, printJson, type SharedOptions, wholeNumber, withAgent } from './shared.ts';
import { formatTable } from './table.ts';

interface Options extends SharedOptions {
  readonly since: string;
  readonly last: number;
}

interface Subject {
  readonly node: string;
  /** '' for the node itself. */
  readonly check: string;
}

const spansShown = 20;
/** Checks of one node, or nodes of one check; each of them is a question to the servers. */
const subjectsMax = 200;

export function command(io: Io): Command {
  return withAgent(new Command())
    .argument('<name>', 'a node, a check (NODE/CHECK when several nodes have it)')
    .option('--since <time>', 'how far back: a duration such as 24h, or a time', '24h')
    .option('--last <n>', 'so many lines of the timeline, the newest ones', wholeNumber, spansShown)
    .action(async (name: string, options: Options) => {
      const api = apiOf(options, io);
      const subjects = await find(api, name);
      const shown: History[] = [];
      for (const subject of subjects.slice(0, subjectsMax)) shown.push(await ask(api, subject, options));
      if (shown.every(({ Spans }) => Spans.length === 0)) throw unknown(name, options);
      if (options.format === 'json') return printJson(io, shown);
      await show(shown, options, io);
      const rest = subjects.length - shown.length;
      if (rest > 0) await io.print(`… and ${rest} more; NODE/CHECK is one of them.\n`);
    });
}

/** The first one as a timeline; what comes with it as a line each. */
async function show([first, ...others]: readonly History[], { last }: Options, io: Io): Promise<void> {
  await io.print(formatHistory(first!, last));
  if (others.length === 0) return;
  const header = ['Node', 'Check', 'Status', 'Since', 'Changes', 'Up'];
  await io.print(`\n${formatTable(header, others.map(summaryRow))}`);
}

function ask(api: Api, { node, check }: Subject, { since }: Options): Promise<History> {
  return api.json<History>('/v1/events/history', { node, check: check === '' ? undefined : check, since });
}

/**
 * A node with its checks, all checks of this id, or one of them. A name that the catalog does not have may be that of a
 * node, or of a node's check, which the log still remembers.
 */
async function find(api: Api, name: string): Promise<Subject[]> {
  const rows = await api.json<{ Node: string; CheckID: string }[]>('/v1/health/state/any');
  const nodes = await api.json<{ Node: string }[]>('/v1/catalog/nodes');
  const checks = rows
    .map(({ Node: node, CheckID: check }) => ({ node, check }))
    .filter(({ check }) => !isMirror(check))
    .toSorted((a, b) => a.node.localeCompare(b.node) || a.check.localeCompare(b.check));
  if (nodes.some(({ Node }) => Node === name)) {
    return [{ node: name, check: '' }, ...checks.filter(({ node }) => node === name)];
  }
  const named = checks.filter(({ check }) => check === name);
  if (named.length > 0) return named;
  const slash = name.indexOf('/');
  return slash === -1
    ? [{ node: name, check: '' }]
    : [{ node: name.slice(0, slash), check: name.slice(slash + 1) }];
}

/** Rows that have no events of their own. */
function isMirror(check: string): boolean {
  return check === serfHealth || check === nodeMaintenance || check.startsWith(serviceMaintenancePrefix);
}

function unknown(name: string, { since }: Options): Exit {
  return new Exit(exitFailed, `nothing is known of a node or a check ${harmless(name)} since ${since}`);
}
