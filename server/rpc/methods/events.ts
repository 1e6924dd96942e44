/** One listener of the event log, over RPC. */
import { z } from 'zod';
import { ExpectedError, isExpected } from '../../../proto/errors.ts';
import { compileEventFilter } from '../../../proto/event-filter.ts';
import type { CursorName, RpcCalls, RpcPeer, RpcStreams } from '../../../proto/rpc.ts';
import { cursorName, cursorShare } from '../../../proto/schema/command.ts';
import type { HealthEvent } from '../../../proto/schema/event.ts';
import { positionOf } from '../../../proto/stream-position.ts';
import type { Consensus } from '../../consensus.ts';
import { shareFilter } from '../../cursor-desk.ts';
import { eventsElsewhere } from '../../event-backfill.ts';
import { holdMs } from '../../leader-door.ts';
import { whenLeaderless } from '../../leaderless.ts';
import { type SubscriptionItem, subscribe } from '../../subscription.ts';
import { checkParams } from './check-params.ts';
import { consensusOf, dutiesOf, type MethodContext } from './context.ts';

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
  cursor: z.object({ name: cursorName, share: cursorShare }).optional(),
});

const historyParams = z.object({
  node: z.string().min(1),
  check: z.string(),
  sinceMs: z.number().nonnegative(),
});

export async function* read(
  context: MethodContext,
  raw: Read['params'],
  peer: RpcPeer,
  signal: AbortSignal,
): AsyncGenerator<Read['item'], void, undefined> {
  const params = checkParams(readParams, raw);
  const consensus = consensusOf(context);
  // Not `AbortSignal.any`: the signal of the server's end lives long and would remember every stream that ever was.
  const ended = new AbortController();
  const end = () => ended.abort();
  const sources = [signal, context.stopping];
  for (const source of sources) source.addEventListener('abort', end, { once: true });
  try {
    if (sources.some((source) => source.aborted)) end();
    yield* readUntil(context, consensus, params, peer, ended);
  } finally {
    for (const source of sources) source.removeEventListener('abort', end);
  }
  if (context.stopping.aborted) throw new ExpectedError('STOPPING');
}

async function* readUntil(
  context: MethodContext,
  consensus: Consensus,
  params: ReadParams,
  peer: RpcPeer,
  ended: AbortController,
): AsyncGenerator<Read['item'], void, undefined> {
  const { cursor } = params;
  if (cursor === undefined && peer.kind === 'agent' && peer.nodeId !== context.id) {
    yield* readWhileLed(context, consensus, params, ended);
  } else if (cursor === undefined) {
    for await (const item of subscribeHere(context, consensus, params, ended.signal)) yield recordOf(item);
  } else if (consensus.replica.isLeader) {
    yield* readWithCursor(context, consensus, { ...params, cursor }, ended.signal);
  } else {
    yield* readAtLeader(context, consensus, params, peer, ended.signal);
  }
}

export async function history(
  context: MethodContext,
  raw: RpcCalls['events.history']['params'],
): Promise<RpcCalls['events.history']['answer']> {
  return consensusOf(context).history.read(checkParams(historyParams, raw));
}

type ReadParams = Read['params'];

function subscribeHere(
  context: MethodContext,
  consensus: Consensus,
  { after, logId, filter }: ReadParams,
  signal: AbortSignal,
  isOurs: (event: HealthEvent) => boolean = () => true,
): AsyncGenerator<SubscriptionItem, void, undefined> {
  const isWanted = compileEventFilter(filter, (node, id) => consensus.fsm.state.catalog.service(node, id));
  const ports = {
    source: consensus.events,
    clock: context.clock,
    firstKept: () => consensus.fsm.state.events.first,
    leaderLast: () => leaderLast(context, consensus),
    elsewhere: (from: number, until: AbortSignal) =>
      eventsElsewhere(context, { after: from, logId: consensus.events.logId }, until),
  };
  const matches = (event: HealthEvent) => isOurs(event) && isWanted(event);
  return subscribe(ports, { after, logId, matches }, signal);
}

function recordOf(item: SubscriptionItem): Read['item'] {
  return 'event' in item ? item.event.event : item.notice;
}

/**
 * Whoever reads from afar has other servers to read from. One that has lost its leader lets go of its readers after a while: it
 * hears of nothing new, and would keep them waiting until their agent asks it for something else.
 */
async function* readWhileLed(
  context: MethodContext,
  consensus: Consensus,
  params: ReadParams,
  ended: AbortController,
): AsyncGenerator<Read['item'], void, undefined> {
  let isLeft = false;
  const stopWatching = whenLeaderless(consensus.replica, context.clock, holdMs, () => {
    isLeft = true;
    ended.abort();
  });
  let at = params.after;
  try {
    for await (const item of subscribeHere(context, consensus, params, ended.signal)) {
      const record = recordOf(item);
      at = positionOf(record, at);
      yield record;
    }
  } finally {
    stopWatching();
  }
  if (!isLeft) return;
  // A sign of life: while nobody leads anywhere, this is all that the reader hears.
  if (at !== null) yield { Position: at };
  throw new ExpectedError('NO_LEADER');
}

/** On the leader: one reader a name and share at a time. */
async function* readWithCursor(
  context: MethodContext,
  consensus: Consensus,
  params: ReadParams & { readonly cursor: CursorName },
  signal: AbortSignal,
): AsyncGenerator<Read['item'], void, undefined> {
  const { cursors } = dutiesOf(context);
  const { cursor } = params;
  const isOurs = shareFilter(cursor.share);
  const lease = await cursors.claim(cursor, signal);
  if (lease === null) return;
  try {
    // Whoever leads no longer, or does not know yet what was confirmed, has nothing to hand out under a name.
    await consensus.replica.readBarrier('default');
    const { last } = consensus.events;
    // Also for a reader that says where it begins: the next one, which does not, must find what this one leaves.
    const confirmed = await cursors.begin(cursor, Math.min(last, params.after ?? last));
    const after = params.after ?? confirmed;
    for await (const item of subscribeHere(context, consensus, { ...params, after }, signal, isOurs)) {
      lease.hand('event' in item ? item.event.offset : undefined);
      yield recordOf(item);
      lease.taken();
    }
  } finally {
    cursors.release(cursor, lease);
  }
}

/** Elsewhere: passed on to the leader, once. */
async function* readAtLeader(
  context: MethodContext,
  { replica }: Consensus,
  params: ReadParams,
  peer: RpcPeer,
  signal: AbortSignal,
): AsyncGenerator<Read['item'], void, undefined> {
  const { leader } = replica.standing;
  const wasPassedOn = peer.kind === 'server' && peer.nodeId !== context.id;
  if (leader === null || wasPassedOn) throw new ExpectedError('NO_LEADER');
  yield* context.rpc(leader).stream('events.read', params, { signal });
}

/**
 * Null while nobody leads, or nobody can be asked. A leader has to make sure that it is one: who was restarted, and is
 * still taken for the leader, knows less than a reader may have heard from it.
 */
async function leaderLast(context: MethodContext, { replica, fsm }: Consensus): Promise<number | null> {
  const { leader } = replica.standing;
  if (leader === null) return null;
  try {
    if (leader !== context.id) {
      const query = { of: 'node', node: '' } as const;
      const params = { query, mode: 'consistent', maxStaleMs: null } as const;
      return (await context.rpc(leader).call('catalog.query', params)).offset;
    }
    await replica.readBarrier('consistent');
    return fsm.state.events.last;
  } catch (error) {
    if (isExpected(error)) return null;
    throw error;
  }
}
