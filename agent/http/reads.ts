/**
 * Reading the catalog: how fresh, how long to hold the request, and what the headers say about the answer
 * (consul-http-api, section 3). Every answer also carries the number of the last event that it contains, so that reading
 * and then listening from that number leaves no gap.
 */
import { parseDuration } from '../../proto/duration.ts';
import { ExpectedError } from '../../proto/errors.ts';
import type { CatalogQuery, ReadMode, ReadStanding } from '../../proto/rpc.ts';
import type { Headers } from './answers.ts';
import type { Call } from './call.ts';
import type { CatalogAnswer, CatalogWatch } from './catalog-watch.ts';
import type { HttpContext } from './context.ts';

/** A held request may last this much longer than it asked for, so that many do not end at once. */
const jitterPart = 1 / 16;

export interface ReadOptions {
  readonly mode: ReadMode;
  readonly maxStaleMs: number | null;
}

export class CatalogReader {
  readonly #context: HttpContext;
  readonly #watch: CatalogWatch;

  constructor(context: HttpContext, watch: CatalogWatch) {
    this.#context = context;
    this.#watch = watch;
  }

  /** The answer and its headers; held while `?index=` says so. */
  async read(call: Call, query: CatalogQuery): Promise<CatalogAnswer & { headers: Headers }> {
    const options = readOptions(call);
    this.checkDatacenter(call);
    const index = blockingIndex(call);
    const answer =
      index === 0n ? await this.#ask(query, options) : await this.#hold(call, query, options, index);
    return { ...answer, headers: readHeaders(answer, options.mode, call) };
  }

  /** What a route needs beside its own rows, such as the nodes' meta: as fresh, and never held. */
  async also(call: Call, query: CatalogQuery): Promise<CatalogAnswer> {
    return this.#ask(query, readOptions(call));
  }

  /** `?dc=` */
  checkDatacenter(call: Call): void {
    this.refuseDatacenter(call.get('dc'));
  }

  /** There is one datacenter; any other one is answered as Consul answers an unknown one. */
  refuseDatacenter(wanted: string): void {
    if (wanted === '' || wanted === this.#context.facts.datacenter) return;
    throw new ExpectedError('NOT_FOUND', 'No path to datacenter', { status: 500 });
  }

  #ask(query: CatalogQuery, { mode, maxStaleMs }: ReadOptions): Promise<CatalogAnswer> {
    return this.#context.rpc.call('catalog.query', { query, mode, maxStaleMs });
  }

  /** Until the index has gone beyond `index` or the time is over; then whatever the answer is by now. */
  async #hold(call: Call, query: CatalogQuery, options: ReadOptions, index: bigint): Promise<CatalogAnswer> {
    const { clock, random } = this.#context;
    const waitMs = call.waitMs();
    const endMs = clock.nowMs() + waitMs * (1 + random.unit() * jitterPart);
    for (;;) {
      const answer = await this.#watch.ask(query, options.mode, options.maxStaleMs);
      const leftMs = endMs - clock.nowMs();
      if (BigInt(answer.index) > index || leftMs <= 0 || call.signal.aborted) return answer;
      await this.#watch.news(leftMs, call.signal);
    }
  }
}

export function readOptions(call: Call): ReadOptions {
  const maxStale = call.get('max_stale');
  const stale = call.has('stale') || maxStale !== '';
  const consistent = call.has('consistent');
  if (stale && consistent) {
    throw new ExpectedError('BAD_REQUEST', 'Cannot specify ?stale with ?consistent, conflicting semantics.');
  }
  if (call.has('cached') && consistent) {
    throw new ExpectedError('BAD_REQUEST', 'Cannot specify ?cached with ?consistent, conflicting semantics.');
  }
  const parsed = maxStale === '' ? null : parseDuration(maxStale);
  if (parsed?.ok === false) throw new ExpectedError('BAD_REQUEST', `Invalid max_stale value "${maxStale}"`);
  const mode = consistent ? 'consistent' : stale ? 'stale' : 'default';
  return { mode, maxStaleMs: parsed?.ok ? parsed.ms : null };
}

/** Unsigned and 64 bits wide, so never a double. 0: the request is not held. */
export function blockingIndex(call: Call): bigint {
  const value = call.get('index');
  if (value === '') return 0n;
  if (!/^\d{1,20}$/.test(value)) throw new ExpectedError('BAD_REQUEST', 'Invalid index');
  call.waitMs();
  return BigInt(value);
}

const effective: Readonly<Record<ReadMode, string>> = {
  default: 'leader',
  consistent: 'consistent',
  stale: 'stale',
};

export function readHeaders(standing: ReadStanding, mode: ReadMode, call: Call): Headers {
  return {
    'X-Consul-Index': String(Math.max(1, standing.index)),
    'X-Consul-KnownLeader': String(standing.knownLeader),
    'X-Consul-LastContact': String(Math.round(standing.lastContactMs)),
    'X-Consul-Effective-Consistency': effective[mode],
    'X-Rollcall-Offset': String(standing.offset),
    'X-Rollcall-Log': standing.logId,
    ...(call.has('cached') ? { 'X-Cache': 'MISS' } : {}),
  };
}

/** `node-meta=key:value`, all of which must hold. */
export function metaTests(call: Call): ReadonlyArray<readonly [key: string, value: string]> {
  return call.all('node-meta').map((pair) => {
    const at = pair.indexOf(':');
    return at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
  });
}

export function hasMeta(
  meta: Readonly<Record<string, string>> | null,
  tests: ReadonlyArray<readonly [string, string]>,
): boolean {
  return tests.every(([key, value]) => meta !== null && Object.hasOwn(meta, key) && meta[key] === value);
}
