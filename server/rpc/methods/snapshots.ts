/** Snapshots for people: one is taken of the state as it is now, or comes back piece by piece through the log. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { decode, encode } from '../../../proto/codec.ts';
import { ExpectedError } from '../../../proto/errors.ts';
import type { RpcCalls, RpcPeer, RpcStreams } from '../../../proto/rpc.ts';
import { checkRow, nodeRow, serviceRow } from '../../../proto/schema/catalog.ts';
import {
  type CommandBody,
  cursorName,
  cursorShare,
  restoreId,
  someBytes,
} from '../../../proto/schema/command.ts';
import { snapshotBytes } from '../../../proto/store/snapshot-file.ts';
import { encodeState, type StateRecord, stateFormat } from '../../fsm/snapshot.ts';
import { checkParams } from './check-params.ts';
import { consensusOf, type MethodContext } from './context.ts';

type Save = RpcStreams['snapshot.save'];
type Restore = RpcCalls['snapshot.restore'];

const saveParams = z.object({ stale: z.boolean() });

const restoreParams = z.discriminatedUnion('step', [
  z.object({ step: z.literal('begin'), id: restoreId }),
  z.object({
    step: z.literal('piece'),
    id: restoreId,
    number: z.number().int().positive(),
    records: someBytes,
  }),
  z.object({ step: z.literal('finish'), id: restoreId, pieces: z.number().int().positive() }),
]);

/**
 * First what it is, then its bytes. The state is walked twice, since an archive begins with its size; between two pieces
 * everything else goes on. Rejects with NO_LEADER, unless `stale` takes whatever the asked server has.
 */
export async function* save(
  context: MethodContext,
  raw: Save['params'],
  peer: RpcPeer,
  signal: AbortSignal,
): AsyncGenerator<Save['item'], void, undefined> {
  const params = checkParams(saveParams, raw);
  const consensus = consensusOf(context);
  const { replica, snapshotter } = consensus;
  if (!params.stale && !replica.isLeader) {
    const { leader } = replica.standing;
    const wasPassedOn = peer.kind === 'server' && peer.nodeId !== context.id;
    if (leader === null || wasPassedOn) throw new ExpectedError('NO_LEADER');
    yield* context.rpc(leader).stream('snapshot.save', params, { signal });
    return;
  }
  if (!params.stale) await replica.readBarrier('consistent');
  const { header, view } = snapshotter.picture();
  const records = view.records.filter(([kind]) => !ofThisCluster.has(kind));
  const bytes = () => snapshotBytes(header, encodeState({ ...view, records }));
  const hash = createHash('sha256');
  let size = 0;
  for await (const part of bytes()) {
    hash.update(part);
    size += part.length;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => context.clock.after(0, resolve));
  }
  yield {
    meta: header.meta,
    size,
    sha256: hash.digest('hex'),
    index: Math.max(1, view.index),
    offset: view.events.last,
    logId: view.events.logId,
    knownLeader: replica.standing.leader !== null,
    lastContactMs: Math.round(replica.lastContactMs),
  };
  for await (const part of bytes()) yield { bytes: part };
}

export function restore(
  context: MethodContext,
  params: Restore['params'],
  peer: RpcPeer,
): Promise<Restore['answer']> {
  return context.door.run({
    peer,
    effect: 'once',
    here: async ({ replica }) => {
      await replica.propose(commandOf(checkParams(restoreParams, params)));
      return {};
    },
    there: (leader, timeoutMs) => leader.call('snapshot.restore', params, { timeoutMs }),
  });
}

function commandOf(params: z.output<typeof restoreParams>): CommandBody {
  const { id } = params;
  switch (params.step) {
    case 'begin':
      return { kind: 'restore.begin', v: 1, id };
    case 'piece': {
      const records = encode(recordsIn(params.number, params.records));
      return { kind: 'restore.piece', v: 1, id, number: params.number, records };
    }
    case 'finish':
      return { kind: 'restore.finish', v: 1, id, pieces: params.pieces };
  }
}

/** What belongs to the cluster and not to its catalog. */
const ofThisCluster: ReadonlySet<StateRecord[0]> = new Set(['restoring', 'staged', 'restored', 'barred']);

const count = z.number().int().nonnegative();
const head = z.object({
  format: z.literal(stateFormat),
  index: count,
  term: count,
  electedTerm: count,
  level: count,
  events: z.object({ logId: z.string(), first: count, last: count, timeMs: z.number() }),
});
const ending = z.object({ life: count, offset: count, timeMs: z.number() });
const cursor = z.object({ name: cursorName, share: cursorShare, offset: count });
const once = z.object({ client: z.string(), key: z.string() });
const result = z.object({
  once,
  timeMs: z.number(),
  outcome: z.looseObject({ index: count, offset: count }),
});

/** What each kind of record has behind its name. */
const shapes: Readonly<Record<string, z.ZodType>> = {
  head: z.tuple([z.unknown(), head]),
  node: z.tuple([z.unknown(), nodeRow, count]),
  service: z.tuple([z.unknown(), serviceRow]),
  check: z.tuple([z.unknown(), checkRow]),
  serviceName: z.tuple([z.unknown(), z.string(), count]),
  server: z.tuple([z.unknown(), z.string(), z.object({ address: z.string(), voter: z.boolean() })]),
  ending: z.tuple([z.unknown(), z.string(), ending]),
  cursor: z.tuple([z.unknown(), cursor]),
  result: z.tuple([z.unknown(), result]),
  restoring: z.array(z.unknown()),
  staged: z.array(z.unknown()),
  restored: z.array(z.unknown()),
  barred: z.array(z.unknown()),
};

/**
 * What enters the log must be what every server can apply: a file that is intact may still have been made by somebody
 * else. A file of a server's own folder may tell of a restore, which is left out. Throws PROTOCOL or BAD_REQUEST.
 */
function recordsIn(number: number, bytes: Uint8Array): StateRecord[] {
  const records = decode(bytes);
  if (!Array.isArray(records)) throw unreadable(number, 'it is no list of records');
  for (const [at, record] of records.entries()) {
    const kind: unknown = Array.isArray(record) ? record[0] : undefined;
    if ((kind === 'head') !== (number === 1 && at === 0))
      throw unreadable(number, 'the head is not the first record');
    const shape = typeof kind === 'string' && Object.hasOwn(shapes, kind) ? shapes[kind] : undefined;
    if (shape === undefined)
      throw unreadable(number, `a record of the kind ${JSON.stringify(kind)} is unknown`);
    const parsed = shape.safeParse(record);
    if (!parsed.success) throw unreadable(number, z.prettifyError(parsed.error).slice(0, 300));
  }
  return (records as StateRecord[]).filter(([kind]) => !ofThisCluster.has(kind));
}

function unreadable(number: number, what: string): ExpectedError {
  return new ExpectedError('BAD_REQUEST', `piece ${number} of the snapshot cannot be restored: ${what}`);
}
