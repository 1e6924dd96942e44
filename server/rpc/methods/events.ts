/** One listener of the event log, over RPC. */
import { z } from 'zod';
import { ExpectedError, isExpected } from '../../../proto/errors.ts';
import { compileEventFilter } from '../../../proto/event-filter.ts';
import type { RpcStreams } from '../../../proto/rpc.ts';
import type { Consensus } from '../../consensus.ts';
import { eventsElsewhere } from '../../event-backfill.ts';
import { subscribe } from '../../subscription.ts';
import { checkParams } from './check-params.ts';
import { consensusOf, type MethodContext } from './context.ts';

type Read = RpcStreams['events.read'];

const names = z.array(z.string().max(1_000)).max(1_000);
const readParams = z.object({
  after: z.number().int().nonnegative().nullable(),
  logId: z.string().max(128),
  filter: z.object({
    kinds: names,
    nodes: names,
    services: names,
    checks: names,
    statuses: names,
    tags: names,
    expression: z.string(),
  }),
});

export async function* read(
  context: MethodContext,
  raw: Read['params'],
  signal: AbortSignal,
): AsyncGenerator<Read['item'], void, undefined> {
  const { after, logId, filter } = checkParams(readParams, raw);
  const consensus = consensusOf(context);
  const { catalog } = consensus.fsm.state;
  const matches = compileEventFilter(filter, (node, id) => catalog.service(node, id));
  const ports = {
    source: consensus.events,
    clock: context.clock,
    firstKept: () => consensus.fsm.state.events.first,
    leaderLast: () => leaderLast(context, consensus),
    elsewhere: (from: number, until: AbortSignal) =>
      eventsElsewhere(context, { after: from, logId: consensus.events.logId }, until),
  };
  const ended = AbortSignal.any([signal, context.stopping]);
  for await (const item of subscribe(ports, { after, logId, matches }, ended)) {
    yield 'event' in item ? item.event.event : item.notice;
  }
  if (context.stopping.aborted) throw new ExpectedError('STOPPING');
}

/** Null while nobody leads, or nobody can be asked. */
async function leaderLast(context: MethodContext, { replica, events }: Consensus): Promise<number | null> {
  const { leader } = replica.standing;
  if (leader === null) return null;
  try {
    if (leader !== context.id) return (await context.rpc(leader).call('status', {})).lastOffset;
    await replica.readBarrier('default');
    return events.last;
  } catch (error) {
    if (isExpected(error)) return null;
    throw error;
  }
}
