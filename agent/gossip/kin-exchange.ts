/**
 * Two members of our own kind compare what they know: a digest first, and only where that differs the members themselves.
 * In a quiet cluster this costs a hundred bytes, whether it has thirty members or ten thousand.
 */

import {
  decodeKin,
  encodeKin,
  type KinDigest,
  type KinMessage,
  type KinPart,
} from '../../proto/gossip/kin.ts';
import { noLabel } from '../../proto/gossip/label.ts';
import type { PushPull, StreamMessage } from '../../proto/gossip/messages.ts';
import { encodeStreamMessage } from '../../proto/gossip/packets.ts';
import { StreamDecoder } from '../../proto/gossip/stream.ts';
import { sameBytes } from './addresses.ts';
import { decodeSums, difference, digestOf, encodeSums, isSelected, type Sums, sumsOf } from './digest.ts';
import type { Parts } from './parts.ts';
import type { MemberRecord } from './records.ts';
import type { Serf } from './serf/serf.ts';
import { witness } from './serf/state.ts';
import type { Table } from './table.ts';

export class KinExchange {
  readonly #parts: Parts;
  readonly #table: Table;
  readonly #serf: Serf;

  constructor(options: { parts: Parts; table: Table; serf: Serf }) {
    this.#parts = options.parts;
    this.#table = options.table;
    this.#serf = options.serf;
  }

  /** `onStranger` when the other side does not understand after all. */
  compare(member: MemberRecord, onStranger: () => void): void {
    this.#parts.counters.add('digests');
    const sums = this.#sums();
    const { ltime, eventLtime, queryLtime } = this.#clocks();
    const question: KinDigest = { type: 'kin.digest', digest: digestOf(sums), ltime, eventLtime, queryLtime };
    this.#ask(member, question, (answer) => {
      if (answer?.type !== 'kin.buckets') {
        onStranger();
        return;
      }
      witness(this.#serf.clocks, answer);
      const other = answer.same ? undefined : decodeSums(answer.buckets);
      if (other !== undefined) this.#swap(member, sums, other);
    });
  }

  /** The answer to a message that came by stream; null for one that has none. */
  serve(message: KinMessage): StreamMessage | null {
    if (message.type === 'kin.digest') return user(this.#serveDigest(message));
    if (message.type === 'kin.part') return this.#servePart(message);
    return null;
  }

  #swap(member: MemberRecord, own: Sums, other: Sums): void {
    this.#parts.counters.add('digests_different');
    const { buckets, events } = difference(own, other);
    this.#ask(member, this.#part(buckets, events), (answer) => {
      if (answer?.type === 'kin.part') this.#merge(answer);
    });
  }

  #serveDigest(question: KinDigest): KinMessage {
    this.#parts.counters.add('digests_served');
    witness(this.#serf.clocks, question);
    const sums = this.#sums();
    const same = sameBytes(digestOf(sums), question.digest);
    const buckets = same ? new Uint8Array(0) : encodeSums(sums);
    return { type: 'kin.buckets', same, buckets, ...this.#clocks() };
  }

  #servePart(part: KinPart): StreamMessage {
    const reply = user(this.#part(part.buckets, part.events));
    this.#merge(part);
    return reply;
  }

  #part(buckets: Uint8Array, events: boolean): KinPart {
    const scope = { includes: (record: MemberRecord) => isSelected(buckets, record), events };
    const table = encodeStreamMessage(this.#table.own(false, scope));
    return { type: 'kin.part', buckets: buckets.slice(), events, table };
  }

  #merge({ table }: KinPart): void {
    const message = decodeTable(table);
    if (message === undefined) this.#parts.counters.add('kin_refused');
    else this.#table.merge(message, message.nodes, false);
  }

  #sums(): Sums {
    return sumsOf(this.#parts.members, this.#parts.roll, this.#serf.events);
  }

  #clocks() {
    const { members, events, queries } = this.#serf.clocks;
    return { ltime: members.next, eventLtime: events.next, queryLtime: queries.next };
  }

  /** Undefined when there is no answer that we understand. */
  #ask(member: MemberRecord, question: KinMessage, onAnswer: (answer: KinMessage | undefined) => void): void {
    const { streamTimeoutMs } = this.#parts.config;
    this.#parts.exchanges.ask(member.endpoint, user(question), streamTimeoutMs, ({ message, failure }) => {
      // Nobody there is not the same as nobody who understands.
      if (failure !== undefined && failure !== 'closed') return;
      onAnswer(message?.type === 'user' ? decodeKin(message.payload).message : undefined);
    });
  }
}

function user(message: KinMessage): StreamMessage {
  return { type: 'user', payload: encodeKin(message) };
}

/** A push/pull message that travels inside another one, without wrappers of its own. */
function decodeTable(table: Uint8Array): PushPull | undefined {
  const decoder = new StreamDecoder('server', { label: noLabel, keys: [], acceptPlain: true });
  const progress = decoder.push(table);
  return progress.state === 'complete' && progress.message.type === 'pushPull' ? progress.message : undefined;
}
