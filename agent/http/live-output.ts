/**
 * `?output=live`: the newest output of checks instead of that of their last change of status. It stays on its agent and is
 * fetched from there for this one answer; where the agent cannot be reached the row keeps what the catalog has, and says so.
 */
import { ExpectedError, isExpected } from '../../proto/errors.ts';
import type { RpcCalls } from '../../proto/rpc.ts';
import type { CheckRow } from '../../proto/schema/catalog.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import { shapeCheck } from './shapes.ts';

/** Agents asked for one answer, and at once; the rows of all others keep what the catalog has. */
const agentsMax = 256;
const agentsAtOnce = 32;
/** What has not arrived by then is not waited for: many silent agents delay an answer no longer than one of them. */
const patienceMs = 3_000;

type Outputs = RpcCalls['agent.output']['answer']['outputs'];
/** Where outputs come from: other agents, and this one. */
export type LiveSource = Pick<HttpContext, 'rpc' | 'local' | 'facts' | 'clock' | 'pendingStatus'>;

export type ShapedCheck = ReturnType<typeof shapeCheck> & { OutputLive?: boolean; OutputTime?: string };

/** How the checks of this answer are to be shown. Throws BAD_REQUEST for another kind of output. */
export async function shaperOf(
  call: Call,
  rows: readonly CheckRow[],
  source: LiveSource,
): Promise<(row: CheckRow) => ShapedCheck> {
  const wanted = call.get('output');
  const pending = source.pendingStatus();
  if (wanted === '') return (row) => shapeCheck(row, pending);
  if (wanted !== 'live') {
    throw new ExpectedError('BAD_REQUEST', `Invalid output: ${JSON.stringify(wanted)} is not "live"`);
  }
  const outputs = await outputsOf(rows, source);
  return (row) => {
    const found = outputs.get(row.node)?.[row.id];
    const shaped = shapeCheck(row, pending);
    if (found === undefined) return { ...shaped, OutputLive: false, OutputTime: row.lastChange };
    const time = new Date(found.atMs).toISOString();
    return { ...shaped, Output: found.output, OutputLive: true, OutputTime: time };
  };
}

async function outputsOf(rows: readonly CheckRow[], source: LiveSource): Promise<Map<string, Outputs>> {
  const byNode = new Map<string, string[]>();
  for (const { node, id } of rows) {
    const ids = byNode.get(node);
    if (ids !== undefined) ids.push(id);
    else if (byNode.size < agentsMax) byNode.set(node, [id]);
  }
  const outputs = new Map<string, Outputs>();
  const waiting = [...byNode];
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [node, checks] = next;
      outputs.set(node, await outputsFrom(node, checks, source));
    }
  };
  await new Promise<void>((resolve, reject) => {
    const timer = source.clock.after(patienceMs, resolve);
    Promise.all(Array.from({ length: agentsAtOnce }, work))
      .then(() => resolve(), reject)
      .finally(() => timer.cancel());
  });
  waiting.length = 0;
  return outputs;
}

async function outputsFrom(node: string, checks: readonly string[], source: LiveSource): Promise<Outputs> {
  if (node === source.facts.node) return ownOutputs(source);
  try {
    return (await source.rpc.call('agent.output', { node, checks })).outputs;
  } catch (error) {
    if (!isExpected(error)) throw error;
    return {};
  }
}

function ownOutputs({ local }: LiveSource): Outputs {
  const known = local.checks().filter(({ resultAtMs }) => resultAtMs > 0);
  return Object.fromEntries(known.map(({ id, output, resultAtMs }) => [id, { output, atMs: resultAtMs }]));
}
