/**
 * Asking everybody: a query travels like an event, answers come straight back. The asker waits until its time is up,
 * because nobody can say how many will answer.
 */
import { ExpectedError } from '../../../proto/errors.ts';
import {
  queryFlagAck,
  responseFlagAck,
  type SerfQuery,
  type SerfQueryResponse,
} from '../../../proto/gossip/messages.ts';
import { encodeSerf } from '../../../proto/gossip/serf.ts';
import { encodeFilter } from '../../../proto/gossip/serf-filter.ts';
import type { Deadline } from '../deadlines.ts';
import type { QueryRequest, QueryResult } from '../membership.ts';
import type { Parts } from '../parts.ts';
import { queryTimeoutMs } from '../scale.ts';
import type { LamportClock } from './lamport.ts';
import type { Roll } from './roll.ts';

export interface Asking {
  /** Called with every answer; true ends the query early. */
  readonly onAnswer?: (from: string, payload: Uint8Array) => boolean;
  readonly onDone: (result: QueryResult) => void;
}

class Pending {
  readonly query: SerfQuery;
  readonly asking: Asking;
  readonly acks = new Set<string>();
  readonly answers = new Map<string, Uint8Array>();
  deadline: Deadline | null = null;

  constructor(query: SerfQuery, asking: Asking) {
    this.query = query;
    this.asking = asking;
  }
}

/** Queries of our own that may be waiting for answers at once. */
const pendingMax = 256;
const nanosecondsPerMs = 1_000_000;
const idMax = 0x8000_0000;

export class Queries {
  readonly #parts: Parts;
  readonly #clock: LamportClock;
  readonly #roll: Roll;
  /** By Lamport time, which no two queries of ours share. */
  readonly #pending = new Map<number, Pending>();

  constructor(options: { parts: Parts; clock: LamportClock; roll: Roll }) {
    this.#parts = options.parts;
    this.#clock = options.clock;
    this.#roll = options.roll;
  }

  /** The query, which the caller sends out. Throws BAD_REQUEST when it is too large, BUSY when too many wait. */
  ask(request: QueryRequest, asking: Asking): { query: SerfQuery; encoded: Uint8Array } {
    const { config, deadlines, random, self } = this.#parts;
    if (this.#pending.size >= pendingMax)
      throw new ExpectedError('BUSY', 'too many gossip queries are waiting');
    const timeoutMs = request.timeoutMs > 0 ? request.timeoutMs : this.#defaultTimeoutMs();
    const query: SerfQuery = {
      type: 'serf.query',
      ltime: this.#clock.take(),
      id: Math.floor(random.unit() * idMax),
      addr: self.record.addr,
      port: self.record.port,
      sourceNode: self.name,
      filters: filtersOf(request),
      flags: request.ack ? queryFlagAck : 0,
      relayFactor: request.relayFactor,
      timeoutNs: Math.round(timeoutMs * nanosecondsPerMs),
      name: request.name,
      payload: request.payload,
    };
    const encoded = encodeSerf(query);
    if (encoded.length > config.queryBytesMax) {
      throw new ExpectedError(
        'BAD_REQUEST',
        `a gossip query may take ${config.queryBytesMax} bytes with everything; "${request.name}" takes ${encoded.length}`,
      );
    }
    const pending = new Pending(query, asking);
    this.#pending.set(query.ltime, pending);
    pending.deadline = deadlines.after(timeoutMs, () => this.#finish(pending));
    return { query, encoded };
  }

  hearResponse(response: SerfQueryResponse): void {
    const pending = this.#pending.get(response.ltime);
    if (pending === undefined || pending.query.id !== response.id) {
      this.#parts.counters.add('query_responses_late');
      return;
    }
    const { acks, answers, asking } = pending;
    // More names than members is somebody making them up.
    if (acks.size + answers.size > 2 * this.#roll.count) return;
    if ((response.flags & responseFlagAck) !== 0) {
      acks.add(response.from);
    } else if (!answers.has(response.from)) {
      const payload = response.payload?.slice() ?? new Uint8Array(0);
      answers.set(response.from, payload);
      if (asking.onAnswer?.(response.from, payload)) this.#finish(pending);
    }
  }

  stop(): void {
    for (const pending of this.#pending.values()) this.#finish(pending);
  }

  #finish(pending: Pending): void {
    if (!this.#pending.delete(pending.query.ltime)) return;
    pending.deadline?.cancel();
    pending.asking.onDone({
      acks: [...pending.acks],
      answers: [...pending.answers].map(([from, payload]) => ({ from, payload })),
    });
  }

  #defaultTimeoutMs(): number {
    const { config } = this.#parts;
    const there = this.#roll.count - this.#roll.failed.size - this.#roll.left.size;
    return queryTimeoutMs(config.gossipIntervalMs, config.queryTimeoutMultiplier, there);
  }
}

function filtersOf(request: QueryRequest): Uint8Array[] {
  const filters = Object.entries(request.tags).map(([tag, expression]) =>
    encodeFilter({ kind: 'tag', tag, expression }),
  );
  if (request.nodes.length > 0) filters.push(encodeFilter({ kind: 'nodes', nodes: request.nodes }));
  return filters;
}
