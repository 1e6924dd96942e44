/** The other side of queries: recognise those heard before, see whether we are meant, acknowledge and answer. */
import { isExpected } from '../../../proto/errors.ts';
import {
  queryFlagAck,
  responseFlagAck,
  type SerfQuery,
  type SerfQueryResponse,
} from '../../../proto/gossip/messages.ts';
import { encodeSerf } from '../../../proto/gossip/serf.ts';
import { decodeFilter } from '../../../proto/gossip/serf-filter.ts';
import type { Endpoint } from '../../../proto/ports.ts';
import { compileRegex } from '../../../proto/regex/regex.ts';
import { hostOf } from '../addresses.ts';
import { checksCrc } from '../outbox.ts';
import type { Parts } from '../parts.ts';
import type { LamportClock } from './lamport.ts';

/** Answers with at most one payload; null answers nothing. */
export type Respond = (payload: Uint8Array) => void;

interface Slot {
  readonly ltime: number;
  readonly ids: number[];
}

/** Queries that share a Lamport time. */
const idsPerSlotMax = 256;
const nanosecondsPerMs = 1_000_000;

export class Answers {
  readonly #parts: Parts;
  readonly #clock: LamportClock;
  /** A query that is meant for us; `respond` works once and until the query's time is up. */
  readonly #onQuery: (query: SerfQuery, respond: Respond) => void;
  readonly #ring: (Slot | undefined)[] = [];
  #minTime = 0;

  constructor(options: {
    parts: Parts;
    clock: LamportClock;
    onQuery: (query: SerfQuery, respond: Respond) => void;
  }) {
    this.#parts = options.parts;
    this.#clock = options.clock;
    this.#onQuery = options.onQuery;
  }

  ignoreBefore(ltime: number): void {
    this.#minTime = Math.max(this.#minTime, ltime);
  }

  /** True when it was not heard before. */
  hear(query: SerfQuery): boolean {
    this.#clock.witness(query.ltime);
    const { recentMessagesMax } = this.#parts.config;
    if (query.ltime < this.#minTime || query.ltime + recentMessagesMax < this.#clock.next) return false;
    if (!this.#remember(query)) return false;
    if (!query.filters.every((filter) => this.#isMeant(filter))) return true;
    if ((query.flags & queryFlagAck) !== 0) this.#send(query, responseFlagAck, null);
    const untilMs = this.#parts.deadlines.nowMs() + query.timeoutNs / nanosecondsPerMs;
    let answered = false;
    this.#onQuery(query, (payload) => {
      if (answered || this.#parts.deadlines.nowMs() > untilMs) return;
      answered = true;
      this.#send(query, 0, payload);
    });
    return true;
  }

  #isMeant(encoded: Uint8Array): boolean {
    const { self } = this.#parts;
    const filter = decodeFilter(encoded);
    if (filter === undefined) return false;
    if (filter.kind === 'nodes') return filter.nodes.includes(self.name);
    return matches(filter.expression, self.record.tags.get(filter.tag) ?? '');
  }

  #send(query: SerfQuery, flags: number, payload: Uint8Array | null): void {
    const { config, counters, outbox, self } = this.#parts;
    const host = hostOf(query.addr);
    if (host === undefined) return;
    const response: SerfQueryResponse = {
      type: 'serf.queryResponse',
      ltime: query.ltime,
      id: query.id,
      from: self.name,
      flags,
      payload,
    };
    const encoded = encodeSerf(response);
    if (encoded.length > config.queryResponseBytesMax) {
      counters.add('query_responses_too_large');
      return;
    }
    const asker = { host, port: query.port };
    outbox.postBare(asker, { type: 'user', payload: encoded });
    this.#relay(query, asker, encoded);
  }

  /** The same answer once more over other members, for askers whom we may not reach directly. */
  #relay(query: SerfQuery, asker: Endpoint, inner: Uint8Array): void {
    const { config, members, outbox, self } = this.#parts;
    if (query.relayFactor === 0 || members.count < query.relayFactor + 1) return;
    const payload = encodeSerf({
      type: 'serf.relay',
      destAddr: query.addr,
      destPort: asker.port,
      destZone: '',
      destName: query.sourceNode,
      inner,
    });
    if (payload.length > config.queryResponseBytesMax) return;
    const helpers = members.pick(
      query.relayFactor,
      (number) =>
        number !== self.number && members.belief(number) === 'alive' && checksCrc(members.record(number)),
    );
    for (const number of helpers) outbox.postBare(members.record(number).endpoint, { type: 'user', payload });
  }

  #remember({ ltime, id }: SerfQuery): boolean {
    const index = ltime % this.#parts.config.recentMessagesMax;
    const slot = this.#ring[index];
    if (slot?.ltime !== ltime) {
      this.#ring[index] = { ltime, ids: [id] };
      return true;
    }
    if (slot.ids.includes(id) || slot.ids.length >= idsPerSlotMax) return false;
    slot.ids.push(id);
    return true;
  }
}

/** An expression that cannot be read means nobody. */
function matches(expression: string, text: string): boolean {
  try {
    return compileRegex(expression).test(text);
  } catch (error) {
    if (isExpected(error)) return false;
    throw error;
  }
}
