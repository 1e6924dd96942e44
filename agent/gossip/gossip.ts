/**
 * The entrance of the gossip core: packets, streams and wishes come in here, one event after the other goes out. It opens
 * no socket and reads no clock: whoever owns it hands in time, randomness and the way to the network, and calls
 * `receivePacket` and `acceptStream`.
 */
import type { Endpoint } from '../../proto/ports.ts';
import { type Assembly, assemble } from './assembly.ts';
import type { Member, QueryRequest } from './membership.ts';
import type { GossipOptions } from './options.ts';
import type { MemberRecord } from './records.ts';
import { metaOf } from './self.ts';
import type { KeyOperation } from './serf/internal-queries.ts';
import { askForKeys, type KeyReport } from './serf/keys.ts';
import type { Asking } from './serf/queries.ts';
import type { ClockTimes } from './serf/snapshot.ts';
import { type StreamReader, streamDone } from './streams.ts';

export class Gossip {
  readonly #options: GossipOptions;
  readonly #core: Assembly;
  /** Who waits for the end of our goodbye. */
  readonly #onLeft: (() => void)[] = [];
  #stopped = false;

  /** Throws BAD_REQUEST for tags or a label that are too long. */
  constructor(options: GossipOptions) {
    this.#options = options;
    this.#core = assemble(options);
  }

  /** Takes part from now on. */
  start(): void {
    const { ownWord, prober, pushPulls, serf, spreader } = this.#core;
    if (this.#options.known !== undefined) this.#know(this.#options.known);
    if (this.#options.restored !== undefined) serf.restore(this.#options.restored);
    spreader.start();
    ownWord.announce();
    prober.start();
    pushPulls.start();
    serf.start();
  }

  /** Nothing more is said or reported; whoever still waits for an answer of ours is released. */
  stop(): void {
    const { beliefs, parts, prober, pushPulls, serf, spreader, verdicts } = this.#core;
    this.#stopped = true;
    prober.stop();
    verdicts.stop();
    pushPulls.stop();
    spreader.stop();
    parts.intruders.stop();
    serf.stop();
    beliefs.stop();
    parts.deadlines.stop();
  }

  receivePacket(from: Endpoint, packet: Uint8Array): void {
    if (!this.#stopped) this.#core.reception.receivePacket(from, packet);
  }

  /** Somebody has connected; what it sends goes into the reader. */
  acceptStream(from: Endpoint): StreamReader {
    return this.#stopped ? closed : this.#core.reception.acceptStream(from);
  }

  /** Tries every address; `onDone` gets null or the reason of failure for each, in their order. */
  join(addresses: readonly Endpoint[], onDone: (failures: readonly (string | null)[]) => void): void {
    const { pushPulls, serf } = this.#core;
    const failures = new Array<string | null>(addresses.length).fill(null);
    let open = addresses.length;
    if (open === 0) onDone(failures);
    addresses.forEach((address, index) => {
      pushPulls.exchange(address, true, (failure) => {
        failures[index] = failure;
        open -= 1;
        if (open > 0) return;
        if (failures.includes(null)) serf.announceJoin();
        onDone(failures);
      });
    });
  }

  /** Says goodbye, first as an intent, then as news; `onDone` when the others have had time to hear it. */
  leave(onDone: () => void): void {
    const { ownWord, parts, serf } = this.#core;
    const { config, deadlines, roll, self } = parts;
    this.#onLeft.push(onDone);
    if (self.state !== 'present') return;
    self.state = 'leaving';
    const isAlone = this.#isAlone();
    const end = () => {
      roll.setStatus(self.number, 'left');
      deadlines.after(isAlone ? 0 : config.leavePropagateMs, () => {
        for (const done of this.#onLeft.splice(0)) done();
      });
    };
    this.#whenTold(
      (onTold) => serf.announceLeave(self.name, false, onTold),
      () => this.#whenTold((onTold) => ownWord.sayGoodbye(onTold), end),
    );
  }

  /** Declares a failed member to have left. False when there is no such member. */
  forceLeave(name: string, prune: boolean): boolean {
    const { parts, serf } = this.#core;
    if (parts.roll.numberOf(name) === undefined) return false;
    serf.announceLeave(name, prune, null);
    return true;
  }

  /** Throws BAD_REQUEST when the tags are too long; `onDone` when the others have been told. */
  setTags(tags: Readonly<Record<string, string>>, onDone: () => void): void {
    const { ownWord, parts } = this.#core;
    parts.self.setMeta(metaOf(tags));
    this.#whenTold((onTold) => ownWord.announce(onTold), onDone);
  }

  /** Throws BAD_REQUEST when the event is too large. */
  fireEvent(name: string, payload: Uint8Array, coalesce: boolean): void {
    this.#core.serf.fireEvent(name, payload, coalesce);
  }

  /** Throws BAD_REQUEST or BUSY; `asking` gets the answers. */
  query(request: QueryRequest, asking: Asking): void {
    this.#core.serf.query(request, asking);
  }

  /** One step of a key rotation on all members; `key` is empty for a list. Throws what `query` throws. */
  keys(operation: KeyOperation, key: Uint8Array, onDone: (report: KeyReport) => void): void {
    askForKeys(this.#core.parts, this.#core.serf, operation, key, onDone);
  }

  members(): Member[] {
    const { roll } = this.#core.parts;
    return [...roll.numbers()].map((number) => roll.member(number));
  }

  self(): Member {
    const { roll, self } = this.#core.parts;
    return roll.member(self.number);
  }

  /** Members that we believe alive, ourselves included. */
  get aliveCount(): number {
    return this.#core.parts.members.aliveCount;
  }

  /** The last Lamport times in use, for the next life. */
  clocks(): ClockTimes {
    const { members, events, queries } = this.#core.serf.clocks;
    return { member: members.next - 1, event: events.next - 1, query: queries.next - 1 };
  }

  /** Counters, and how things stand. */
  stats(): Record<string, number> {
    const { awareness, counters, deadlines, members, outbox, roll } = this.#core.parts;
    const { news, intents, events, queries } = outbox.broadcasts;
    const times = this.clocks();
    return {
      ...counters.all(),
      health_score: awareness.score,
      loop_lag_ms: awareness.loopLagMs(deadlines.nowMs()),
      members: roll.count,
      members_alive: members.aliveCount,
      members_failed: roll.failed.size,
      members_left: roll.left.size,
      queue_news: news.size,
      queue_intents: intents.size,
      queue_events: events.size,
      queue_queries: queries.size,
      member_time: times.member,
      event_time: times.event,
      query_time: times.query,
    };
  }

  #know(known: readonly MemberRecord[]): void {
    const { deadlines, members, records, roll } = this.#core.parts;
    // Thousands of cores whose tables grow step by step would leave a heap full of holes.
    members.reserve(records.size);
    roll.reserve(records.size);
    for (const record of known) {
      members.announce(record, 1, deadlines.nowMs());
      roll.setStatus(record.number, 'alive');
    }
  }

  #isAlone(): boolean {
    const { members, self } = this.#core.parts;
    return members.order.every((number) => {
      const belief = members.belief(number);
      return number === self.number || belief === 'dead' || belief === 'left';
    });
  }

  /** Queues something and waits until it has been told often enough, or long enough, or there is nobody to tell. */
  #whenTold(tell: (onTold: () => void) => void, onDone: () => void): void {
    const { config, deadlines } = this.#core.parts;
    let done = false;
    const finish = () => {
      if (done) return;
      done = true;
      limit.cancel();
      onDone();
    };
    const limit = deadlines.after(this.#isAlone() ? 0 : config.broadcastTimeoutMs, finish);
    tell(finish);
  }
}

/** Somebody who came too late. */
const closed: StreamReader = { receive: () => streamDone, fail: () => {} };
