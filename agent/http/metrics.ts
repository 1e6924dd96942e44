/**
 * `/v1/agent/metrics`: figures of this agent, in Consul's form or, with `format=prometheus`, as text for Prometheus. What
 * belongs to the cluster as a whole comes from the leader alone, so that nothing is counted once for each agent.
 */
import { isExpected } from '../../proto/errors.ts';
import { type Answer, file, json } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import type { Route } from './transport.ts';

interface Gauge {
  readonly name: string;
  readonly help: string;
  readonly values: ReadonlyArray<{
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }>;
}

export function metricRoutes(context: HttpContext): Route[] {
  return [{ path: '/v1/agent/metrics', methods: { GET: (call) => metrics(call, context) } }];
}

async function metrics(call: Call, context: HttpContext): Promise<Answer> {
  const gauges = await gaugesOf(context);
  if (wantsText(call)) return prometheus(gauges);
  const Gauges = gauges.flatMap(({ name, values }) =>
    values.map(({ labels, value }) => ({
      Name: name.replaceAll('_', '.'),
      Value: value,
      Labels: labels,
    })),
  );
  // As Go prints a time.
  const [date, time] = new Date(context.clock.wallMs()).toISOString().split(/[T.]/);
  const Timestamp = `${date} ${time} +0000 UTC`;
  return json({ Timestamp, Gauges, Points: [], Counters: [], Samples: [] });
}

function wantsText(call: Call): boolean {
  const accept = call.header('accept');
  return call.get('format') === 'prometheus' || /openmetrics|text\/plain; ?version=/.test(accept);
}

async function gaugesOf(context: HttpContext): Promise<Gauge[]> {
  const waiting = { labels: {}, value: context.journalLength() };
  const own = {
    name: 'rollcall_journal_unconfirmed',
    help: 'Observations that no server has confirmed yet.',
    values: [waiting],
  };
  const local = [own, ...checkGauges(context)];
  if (context.raftStatus()?.state !== 'Leader') return local;
  try {
    return [...local, ...(await logGauges(context))];
  } catch (error) {
    // It led a moment ago.
    if (isExpected(error)) return local;
    throw error;
  }
}

/** What Nagios plugins say behind a `|`, and what our own kinds measure. */
function checkGauges({ local }: HttpContext): Gauge[] {
  const values = local
    .measured()
    .flatMap(({ check, service, metrics }) =>
      metrics.map(({ name, value, unit }) => ({ labels: { check, service, name, unit }, value })),
    );
  if (values.length === 0) return [];
  return [{ name: 'rollcall_check_value', help: 'Values that the newest run of a check measured.', values }];
}

async function logGauges({ rpc }: HttpContext): Promise<Gauge[]> {
  const { firstOffset, lastOffset } = await rpc.call('status', {});
  const { cursors } = await rpc.call('cursor.list', {});
  const plain = (value: number) => [{ labels: {}, value }];
  return [
    { name: 'rollcall_events_first_offset', help: 'First event that is kept.', values: plain(firstOffset) },
    { name: 'rollcall_events_last_offset', help: 'Newest event.', values: plain(lastOffset) },
    {
      name: 'rollcall_cursor_lag',
      help: 'Events behind what a named reader has confirmed.',
      values: cursors.map(({ name, share, lag }) => ({ labels: { cursor: name, share }, value: lag })),
    },
  ];
}

async function prometheus(gauges: readonly Gauge[]): Promise<Answer> {
  // Loaded when somebody asks for the first time: most agents are never asked.
  const { Gauge: PrometheusGauge, Registry } = await import('prom-client');
  const registry = new Registry();
  for (const { name, help, values } of gauges) {
    // The library would show a gauge without values as one that is 0.
    if (values.length === 0) continue;
    const labelNames = Object.keys(values[0]?.labels ?? {});
    const gauge = new PrometheusGauge({ name, help, labelNames, registers: [registry] });
    for (const { labels, value } of values) gauge.set(labels, value);
  }
  return file(await registry.metrics(), registry.contentType);
}
