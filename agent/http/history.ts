/** `/v1/events/history`: since when, how often, and for which part of a time something was well. */
import { parseDuration } from '../../proto/duration.ts';
import { ExpectedError } from '../../proto/errors.ts';
import type { HistorySpan } from '../../proto/rpc.ts';
import { type Answer, json } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { Route } from './transport.ts';

const defaultSpanMs = 24 * 3_600_000;
/** A check that passes and a node that lives are up; a time of which nothing is known counts neither way. */
const upStatuses = new Set(['passing', 'alive']);
const unknownStatuses = new Set(['', 'pending']);

export function historyRoutes(context: HttpContext): Route[] {
  return [{ path: '/v1/events/history', methods: { GET: (call) => history(call, context) } }];
}

/** `node=NAME[&check=ID][&since=24h|RFC3339]`; without a check it is about the node itself. */
async function history(call: Call, { rpc, clock }: HttpContext): Promise<Answer> {
  const node = call.get('node');
  if (node === '') throw new ExpectedError('BAD_REQUEST', 'Missing node name');
  const check = call.get('check');
  const nowMs = clock.wallMs();
  const sinceMs = sinceIn(call.get('since'), nowMs);
  const { spans, offset, logId, truncated } = await rpc.call('events.history', { node, check, sinceMs });
  const answer = {
    Node: node,
    Check: check,
    Since: time(sinceMs),
    Until: time(nowMs),
    Truncated: truncated,
    Changes: spans.filter((span) => span.offset !== 0).length,
    Uptime: uptime(spans, nowMs),
    Spans: spans.map((span) => ({
      Status: span.status,
      From: time(span.fromMs),
      To: span.toMs === null ? '' : time(span.toMs),
      Seconds: Math.max(0, (span.toMs ?? nowMs) - span.fromMs) / 1000,
      Offset: span.offset,
      Output: span.output,
    })),
  };
  return json(answer, { 'X-Rollcall-Offset': String(offset), 'X-Rollcall-Log': logId });
}

/** A duration back from now, or a time. */
function sinceIn(text: string, nowMs: number): number {
  if (text === '') return nowMs - defaultSpanMs;
  const duration = parseDuration(text);
  if (duration.ok && duration.ms > 0) return nowMs - duration.ms;
  const at = Date.parse(text);
  if (!Number.isNaN(at) && at >= 0 && /^\d{4}-/.test(text)) return at;
  throw new ExpectedError(
    'BAD_REQUEST',
    'Invalid since: a duration such as 24h or a time such as 2026-11-22T03:00:00Z',
  );
}

/** Share of the known time, from 0 to 1; null when nothing is known. */
function uptime(spans: readonly HistorySpan[], nowMs: number): number | null {
  let knownMs = 0;
  let upMs = 0;
  for (const { status, fromMs, toMs } of spans) {
    if (unknownStatuses.has(status)) continue;
    const lengthMs = Math.max(0, (toMs ?? nowMs) - fromMs);
    knownMs += lengthMs;
    if (upStatuses.has(status)) upMs += lengthMs;
  }
  return knownMs === 0 ? null : upMs / knownMs;
}

function time(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
