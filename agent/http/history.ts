/** `/v1/events/history`: since when, how often, and for which part of a time something was well. */
import { parseDuration } from '../../proto/duration.ts';
import { ExpectedError } from '../../proto/errors.ts';
import { type Answer, json } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { Route } from './transport.ts';

const defaultSpanMs = 24 * 3_600_000;
/** Whoever asks a server first waits until it has gone through its log once: some seconds for a million events. */
const answerTimeoutMs = 60_000;

export function historyRoutes(context: HttpContext): Route[] {
  return [{ path: '/v1/events/history', methods: { GET: (call) => history(call, context) } }];
}

/**
 * `node=NAME[&check=ID][&since=24h|RFC3339]`; without a check it is about the node itself. `Uptime` is the share of the
 * time of which anything is known, from 0 to 1, or null.
 */
async function history(call: Call, { rpc, clock }: HttpContext): Promise<Answer> {
  const node = call.get('node');
  if (node === '') throw new ExpectedError('BAD_REQUEST', 'Missing node name');
  const check = call.get('check');
  const nowMs = clock.wallMs();
  const sinceMs = sinceIn(call.get('since'), nowMs);
  const timeoutMs = answerTimeoutMs;
  const past = await rpc.call('events.history', { node, check, sinceMs }, { timeoutMs });
  const { spans, untilMs, knownMs } = past;
  const answer = {
    Node: node,
    Check: check,
    Since: time(sinceMs),
    Until: time(untilMs),
    Truncated: past.truncated,
    Status: spans.at(-1)?.status ?? '',
    StatusSince: past.statusSinceMs === null ? '' : time(past.statusSinceMs),
    Changes: past.changes,
    Uptime: knownMs === 0 ? null : past.upMs / knownMs,
    Spans: spans.map((span) => ({
      Status: span.status,
      From: time(span.fromMs),
      To: span.toMs === null ? '' : time(span.toMs),
      Seconds: Math.max(0, (span.toMs ?? untilMs) - span.fromMs) / 1000,
      Offset: span.offset,
      Output: span.output,
    })),
  };
  return json(answer, { 'X-Rollcall-Offset': String(past.offset), 'X-Rollcall-Log': past.logId });
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

function time(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
