/** `/v1/snapshot`: the servers' state as an archive, and back. Reference: consul-http-api, section 10. */
import { pipeline } from 'node:stream/promises';
import { type ErrorCode, ExpectedError, isExpected, messageOf } from '../../proto/errors.ts';
import type { RpcCalls, RpcStreams } from '../../proto/rpc.ts';
import { makeUuid } from '../../proto/uuid.ts';
import { readArchive, writeArchive } from '../snapshot-archive.ts';
import { type Answer, empty, takeOver } from './answers.ts';
import type { Call } from './call.ts';
import type { HttpContext } from './context.ts';
import { type CatalogReader, readHeaders } from './reads.ts';
import type { Route } from './transport.ts';

/** What an election, a server that stops or a burst of writes brings about, and what is over soon. */
const passing: readonly ErrorCode[] = [
  'NO_LEADER',
  'NOT_LEADER',
  'NO_SERVERS',
  'OUTCOME_UNKNOWN',
  'CONNECTION_LOST',
  'TIMEOUT',
  'STOPPING',
  'BUSY',
];
const triesMax = 10;
const retryMs = 500;

export function snapshotRoutes(context: HttpContext, reader: CatalogReader): Route[] {
  const local = (handler: (call: Call, context: HttpContext) => Promise<Answer>) => (call: Call) => {
    reader.checkDatacenter(call);
    return handler(call, context);
  };
  return [{ path: '/v1/snapshot', methods: { GET: local(save), PUT: local(restore) }, streams: true }];
}

async function save(call: Call, { rpc }: HttpContext): Promise<Answer> {
  const stale = call.has('stale');
  const items = rpc.stream('snapshot.save', { stale }, { signal: call.signal })[Symbol.asyncIterator]();
  const first = await items.next();
  if (first.done || !('meta' in first.value)) throw new ExpectedError('CONNECTION_LOST');
  const about = first.value;
  const { 'X-Consul-Effective-Consistency': _, ...headers } = readHeaders(
    about,
    stale ? 'stale' : 'default',
    call,
  );
  return takeOver({ ...headers, 'Content-Type': 'application/x-gzip' }, async (response) => {
    const { meta, size, sha256 } = about;
    const archive = writeArchive({ meta, size, sha256, bytes: bytesOf(items) });
    // An archive that breaks off has no end: the client sees that, and nobody here has to hear of it.
    await pipeline(archive, response).catch(() => response.destroy());
  });
}

async function* bytesOf(
  items: AsyncIterator<RpcStreams['snapshot.save']['item']>,
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let next = await items.next(); !next.done; next = await items.next()) {
    if ('bytes' in next.value) yield next.value.bytes;
  }
}

/**
 * The pieces go through the log as they come, and count when the whole archive was found intact. With an Idempotency-Key
 * a retry after a lost answer changes nothing.
 */
async function restore(call: Call, context: HttpContext): Promise<Answer> {
  const id = call.header('idempotency-key') || makeUuid(context.random);
  let pieces = 0;
  const taker = {
    header: () => step(context, { step: 'begin', id }, call.signal),
    piece: (records: Uint8Array) => {
      pieces += 1;
      return step(context, { step: 'piece', id, number: pieces, records }, call.signal);
    },
  };
  try {
    await readArchive(uploadOf(call), taker);
    await step(context, { step: 'finish', id, pieces }, call.signal);
  } catch (error) {
    refused(error);
  }
  return empty();
}

/** Each step may come twice, so one whose answer was lost is said again: to the next leader, when need be. */
async function step(
  { rpc, clock }: HttpContext,
  params: RpcCalls['snapshot.restore']['params'],
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await rpc.call('snapshot.restore', params);
      return;
    } catch (error) {
      const goesOn = isExpected(error) && passing.includes(error.code) && tries < triesMax;
      if (!goesOn || signal.aborted) throw error;
    }
    await new Promise<void>((resolve) => clock.after(retryMs, resolve));
  }
}

async function* uploadOf({ stream }: Call): AsyncGenerator<Uint8Array, void, undefined> {
  if (stream === null) return;
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw new ExpectedError('BAD_REQUEST', `the upload broke off: ${messageOf(error)}`, { cause: error });
  }
}

/** Consul's servers answer 500 to whatever they refuse. */
function refused(error: unknown): never {
  if (!isExpected(error)) throw error;
  throw new ExpectedError(error.code, error.message, { cause: error, status: 500 });
}
