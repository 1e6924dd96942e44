/** The past of a node or check for people: a sentence, a line of time, and what happened. */
import { formatDuration } from '../../proto/duration.ts';
import { harmless } from './io.ts';
import { formatTable } from './table.ts';

/** As `GET /v1/events/history` answers it. */
export interface History {
  readonly Node: string;
  readonly Check: string;
  readonly Since: string;
  readonly Until: string;
  readonly Truncated: boolean;
  readonly Status: string;
  readonly StatusSince: string;
  readonly Changes: number;
  readonly Uptime: number | null;
  readonly Spans: ReadonlyArray<{
    readonly Status: string;
    readonly From: string;
    readonly To: string;
    readonly Seconds: number;
    readonly Offset: number;
    readonly Output: string;
  }>;
}

const lineWidth = 60;
const outputCharactersMax = 80;
/** From harmless to bad; a cell of the line shows the worst that happened in it. */
const cells: ReadonlyArray<readonly [cell: string, statuses: readonly string[]]> = [
  ['·', ['', 'pending']],
  ['─', ['passing', 'alive']],
  ['░', ['left']],
  ['▒', ['warning']],
  ['▓', ['stale']],
  ['█', ['critical', 'failed']],
];

/** Ends with a newline. */
export function formatHistory(history: History, spansShown: number): string {
  const { Node, Check, Since, Until, Changes, Uptime, Truncated, Spans } = history;
  const name = harmless(Check === '' ? Node : `${Node}/${Check}`);
  const changes = Changes === 1 ? '1 change' : `${Changes} changes`;
  const lines = [
    `${name}: ${harmless(word(history.Status))}${history.StatusSince === '' ? '' : ` since ${history.StatusSince}`}`,
    `${Since}  ${changes}, up ${percent(Uptime)}${Truncated ? ', not all of that time is known' : ''}`,
    `[${timeline(history)}] ${Until}`,
    '',
  ];
  const newest = spansShown === 0 ? [] : Spans.slice(-spansShown);
  const rows = newest.map((span) => [
    span.From,
    word(span.Status),
    formatDuration(span.Seconds < 10 ? Math.round(span.Seconds * 1_000) : Math.round(span.Seconds) * 1_000),
    span.Offset === 0 ? '' : String(span.Offset),
    firstLine(span.Output),
  ]);
  return `${lines.join('\n')}${formatTable(['From', 'Status', 'For', 'Event', 'Output'], rows)}`;
}

/** One line of a table. */
export function summaryRow({ Node, Check, Status, StatusSince, Changes, Uptime }: History): string[] {
  return [Node, Check, word(Status), StatusSince, String(Changes), percent(Uptime)];
}

/** `···──────█──`: each cell an equal part of the time. */
function timeline({ Since, Until, Spans }: History): string {
  const sinceMs = Date.parse(Since);
  const cellMs = Math.max(1, Date.parse(Until) - sinceMs) / lineWidth;
  const badness = new Array<number>(lineWidth).fill(0);
  for (const { Status, From, To } of Spans) {
    const bad = cells.findIndex(([, statuses]) => statuses.includes(Status));
    const first = Math.floor((Date.parse(From) - sinceMs) / cellMs);
    const last = Math.ceil((Date.parse(To === '' ? Until : To) - sinceMs) / cellMs) - 1;
    for (let at = Math.max(0, first); at <= Math.min(lineWidth - 1, Math.max(first, last)); at++) {
      badness[at] = Math.max(badness[at]!, bad);
    }
  }
  return badness.map((bad) => cells[bad]![0]).join('');
}

function word(status: string): string {
  return status === '' ? '(gone)' : status;
}

/** Never rounded up to 100: that is said only when nothing was down. */
function percent(share: number | null): string {
  if (share === null) return '-';
  return share === 1 ? '100 %' : `${(Math.floor(share * 100_000) / 1_000).toFixed(3)} %`;
}

function firstLine(output: string): string {
  const line = output.trim().split('\n', 1)[0]!;
  return line.length > outputCharactersMax ? `${line.slice(0, outputCharactersMax - 1)}…` : line;
}
