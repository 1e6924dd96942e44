/**
 * The entrance of the gossip core: packets, streams and wishes come in here, one event after the other goes out. It opens
 * no socket and reads no clock: whoever owns it hands in time, randomness and the way to the network, and calls
 * `receivePacket` and `acceptStream`.
 */
import { ExpectedError } from '../../proto/errors.ts';
import { decodePacket, type Opening } from '../../proto/gossip/envelope.ts';
import { labelOf } from '../../proto/gossip/label.ts';
import type { PacketMessage, Ping, SerfQuery, StreamMessage } from '../../proto/gossip/messages.ts';
import { encodeTags } from '../../proto/gossip/tags.ts';
import type { Clock, Endpoint, Random, Send } from '../../proto/ports.ts';
import { Acks } from './acks.ts';
import { Awareness } from './awareness.ts';
import { Beliefs, type Verdict } from './beliefs.ts';
import { Broadcasts } from './broadcasts.ts';
import type { GossipConfig } from './config.ts';
import { Counters } from './counters.ts';
import { Deadlines } from './deadlines.ts';
import { verdictDossier } from './dossier.ts';
import { Errands, sourceOf } from './errands.ts';
import { Exchanges } from './exchanges.ts';
import { Intruders, type IntrusionReport } from './intruders.ts';
import type { Keyring } from './keyring.ts';
import { Kin } from './kin.ts';
import { Members } from './members.ts';
import type { Dossier, Member, MembershipChange, QueryRequest, UserEvent } from './membership.ts';
import { NameClaim, type Rival } from './name-claim.ts';
import { Outbox } from './outbox.ts';
import type { Parts } from './parts.ts';
import { Prober } from './prober.ts';
import { PushPulls } from './push-pull.ts';
import { Records } from './records.ts';
import { Self } from './self.ts';
import type { Respond } from './serf/answers.ts';
import { ConflictVote } from './serf/conflict.ts';
import type { KeyOperation } from './serf/internal-queries.ts';
import { askForKeys, type KeyReport } from './serf/keys.ts';
import type { Asking } from './serf/queries.ts';
import { Roll } from './serf/roll.ts';
import { Serf } from './serf/serf.ts';
import type { ClockTimes } from './serf/snapshot.ts';
import { Spreader } from './spreader.ts';
import type { StreamReader, Streams } from './streams.ts';
import { Verdicts } from './verdicts.ts';

/** What the core tells its owner. */
export type GossipEvent =
  | { readonly kind: 'change'; readonly change: MembershipChange }
  /** A member is suspect now or not any more, or our own entry is new: nothing that people would be told. */
  | { readonly kind: 'member'; readonly member: Member }
  | { readonly kind: 'user-event'; readonly event: UserEvent }
  | { readonly kind: 'query'; readonly query: SerfQuery; readonly respond: Respond }
  | { readonly kind: 'keys-changed' }
  /** Our name belongs to another agent that lives; we have no right to go on. */
  | { readonly kind: 'name-taken'; readonly rival: Rival }
  /** Somebody else claims our name, and we stay. */
  | { readonly kind: 'name-conflict'; readonly rival: Rival }
  | { readonly kind: 'intrusion'; readonly report: IntrusionReport }
  /** This process stood still for so long. */
  | { readonly kind: 'stall'; readonly stallMs: number };

export interface GossipOptions {
  readonly name: string;
  /** Where the others reach us: an IP address and a port that is not 0. */
  readonly advertise: Endpoint;
  readonly tags: Readonly<Record<string, string>>;
  readonly config: GossipConfig;
  /** Keeps clusters apart; '' for none. */
  readonly label: string;
  /** While a cluster moves to encryption: plain packets are taken although there are keys. */
  readonly acceptPlain?: boolean;
  readonly keyring: Keyring;
  readonly clock: Clock;
  readonly random: Random;
  readonly send: Send;
  readonly streams: Streams;
  readonly onEvent: (event: GossipEvent) => void;
  /** Where the Lamport clocks stood in the last life: what is older has been heard already. */
  readonly restored?: ClockTimes;
  /** Shared by many cores in a simulation; otherwise each has its own. */
  readonly records?: Records;
}

/** Pings of others that we may be carrying at once. */
const acksMax = 4_096;

export class Gossip {
  readonly #options: GossipOptions;
  readonly #parts: Parts;
  readonly #acks = new Acks(acksMax);
  readonly #beliefs: Beliefs;
  readonly #serf: Serf;
  readonly #conflict: ConflictVote;
  readonly #exchanges: Exchanges;
  readonly #kin: Kin;
  readonly #errands: Errands;
  readonly #verdicts: Verdicts;
  readonly #prober: Prober;
  readonly #pushPulls: PushPulls;
  readonly #spreader: Spreader;
  readonly #intruders: Intruders;
  readonly #label: Uint8Array;
  #lastJoined: Endpoint | null = null;

  /** Throws BAD_REQUEST for tags or a label that are too long. */
  constructor(options: GossipOptions) {
    this.#options = options;
    this.#label = labelOf(options.label);
    const { config, clock, random, keyring, onEvent } = options;
    const counters = new Counters();
    const awareness = new Awareness(config.awarenessMaxMultiplier);
    const deadlines = new Deadlines({ clock, stallMs: config.stallMs, onStall: (ms) => this.#onStall(ms) });
    const records = options.records ?? new Records({ defaultPort: options.advertise.port });
    const members = new Members(random);
    const roll = new Roll({ members, records, deadlines });
    const self = new Self({
      name: options.name,
      advertise: options.advertise,
      meta: metaOf(options.tags),
      records,
    });
    const broadcasts = new Broadcasts({
      multiplier: config.retransmitMultiplier,
      members: () => members.count,
      serfMembers: () => roll.count,
      entriesMax: config.queueMax,
      membersMax: config.membersMax,
      onNews: () => this.#spreader.onNews(),
    });
    const outbox = new Outbox({
      send: options.send,
      random,
      keyring,
      label: this.#label,
      packetBytesMax: config.packetBytesMax,
      broadcasts,
      counters,
    });
    const parts: Parts = {
      config,
      deadlines,
      random,
      counters,
      records,
      members,
      self,
      awareness,
      outbox,
    };
    this.#parts = parts;
    this.#spreader = new Spreader(parts);
    this.#intruders = new Intruders({
      deadlines,
      counters,
      onReport: (report) => onEvent({ kind: 'intrusion', report }),
    });
    this.#exchanges = new Exchanges({
      streams: options.streams,
      outbox,
      opening: () => this.#opening(),
      onRefused: (from, reason) => this.#intruders.note(from, reason),
    });
    const acks = this.#acks;
    const exchanges = this.#exchanges;
    this.#serf = new Serf({
      parts,
      roll,
      keyring,
      reports: {
        onChange: (change) => onEvent({ kind: 'change', change }),
        onUserEvent: (event) => onEvent({ kind: 'user-event', event }),
        onQuery: (query, respond) => onEvent({ kind: 'query', query, respond }),
        onKeysChanged: () => onEvent({ kind: 'keys-changed' }),
        reconnect: (record) => this.#pushPulls.exchange(record.endpoint, false, () => {}),
      },
    });
    this.#beliefs = new Beliefs(parts, {
      onAlive: (number) => this.#serf.onAlive(number),
      onUpdated: (number) => this.#serf.onUpdated(number),
      onGone: (number, verdict) => this.#serf.onGone(number, this.#dossier(number, verdict)),
      onSuspicion: (number) => this.#tellMember(number),
      onTimeUp: (suspicion) => this.#verdicts.onTimeUp(suspicion),
      onSelf: () => this.#onSelf(),
      onConflict: (existing, other) => this.#conflict.onConflict(existing, other),
    });
    this.#conflict = new ConflictVote({
      parts,
      serf: this.#serf,
      reports: {
        onTaken: (rival) => onEvent({ kind: 'name-taken', rival }),
        onConflict: (rival) => onEvent({ kind: 'name-conflict', rival }),
      },
    });
    const claim = new NameClaim({
      parts,
      acks,
      exchanges,
      onTaken: (rival) => onEvent({ kind: 'name-taken', rival }),
      comeBack: () => this.#comeBack(),
    });
    this.#kin = new Kin(parts, acks);
    this.#errands = new Errands({ parts, acks, exchanges, kin: this.#kin, ownPort: options.advertise.port });
    this.#verdicts = new Verdicts({ parts, acks, exchanges, beliefs: this.#beliefs });
    this.#prober = new Prober({
      parts,
      acks,
      exchanges,
      beliefs: this.#beliefs,
      verdicts: this.#verdicts,
      reports: {
        onDirectAnswer: () => {},
        onForgotten: (forgotten) => {
          for (const record of forgotten) roll.onForgotten(record);
        },
      },
    });
    this.#pushPulls = new PushPulls({ parts, exchanges, beliefs: this.#beliefs, serf: this.#serf, claim });
  }

  /** Takes part from now on. */
  start(): void {
    if (this.#options.restored !== undefined) this.#serf.restore(this.#options.restored);
    this.#spreader.start();
    this.#beliefs.announceSelf();
    this.#prober.start();
    this.#pushPulls.start();
    this.#serf.start();
  }

  /** Nothing more is said or reported; whoever still waits for an answer of ours is released. */
  stop(): void {
    this.#prober.stop();
    this.#verdicts.stop();
    this.#pushPulls.stop();
    this.#spreader.stop();
    this.#intruders.stop();
    this.#serf.stop();
    this.#beliefs.stop();
    this.#parts.deadlines.stop();
  }

  receivePacket(from: Endpoint, packet: Uint8Array): void {
    const { counters, deadlines } = this.#parts;
    deadlines.noticeStall();
    counters.add('packets_received');
    counters.add('packet_bytes_received', packet.length);
    const { messages, refusals } = decodePacket(packet, this.#opening());
    for (const reason of refusals) this.#intruders.note(from, reason);
    // Pings last: a ping to a suspect brings the suspicion along, and the ack shall bring back what we say to that.
    for (const message of messages) if (message.type !== 'ping') this.#receive(from, message);
    for (const message of messages) if (message.type === 'ping') this.#answer(from, message, messages);
  }

  /** Somebody has connected; what it sends goes into the reader. */
  acceptStream(from: Endpoint): StreamReader {
    this.#parts.deadlines.noticeStall();
    this.#parts.counters.add('streams_accepted');
    return this.#exchanges.accept(from, (message) => this.#serve(message));
  }

  /** Tries every address; `onDone` gets null or the reason of failure for each, in their order. */
  join(addresses: readonly Endpoint[], onDone: (failures: readonly (string | null)[]) => void): void {
    const failures = new Array<string | null>(addresses.length).fill(null);
    let open = addresses.length;
    if (open === 0) onDone(failures);
    addresses.forEach((address, index) => {
      this.#pushPulls.exchange(address, true, (failure) => {
        failures[index] = failure;
        if (failure === null) this.#lastJoined = address;
        open -= 1;
        if (open > 0) return;
        if (failures.includes(null)) this.#serf.announceJoin();
        onDone(failures);
      });
    });
  }

  /** Says goodbye, first as an intent, then as news; `onDone` when the others have had time to hear it. */
  leave(onDone: () => void): void {
    const { config, deadlines, self } = this.#parts;
    if (self.state !== 'present') return;
    self.state = 'leaving';
    this.#whenTold(
      (onTold) => this.#serf.announceLeave(self.name, false, onTold),
      () =>
        this.#whenTold(
          (onTold) => this.#beliefs.sayGoodbye(onTold),
          () => {
            this.#serf.roll.setStatus(self.number, 'left');
            deadlines.after(this.#isAlone() ? 0 : config.leavePropagateMs, onDone);
          },
        ),
    );
  }

  /** Declares a failed member to have left. False when there is no such member. */
  forceLeave(name: string, prune: boolean): boolean {
    if (this.#serf.roll.numberOf(name) === undefined) return false;
    this.#serf.announceLeave(name, prune, null);
    return true;
  }

  /** Throws BAD_REQUEST when the tags are too long; `onDone` when the others have been told. */
  setTags(tags: Readonly<Record<string, string>>, onDone: () => void): void {
    this.#parts.self.setMeta(metaOf(tags));
    this.#whenTold((onTold) => this.#beliefs.announceSelf(onTold), onDone);
  }

  /** Throws BAD_REQUEST when the event is too large. */
  fireEvent(name: string, payload: Uint8Array, coalesce: boolean): void {
    this.#serf.fireEvent(name, payload, coalesce);
  }

  /** Throws BAD_REQUEST or BUSY; `asking` gets the answers. */
  query(request: QueryRequest, asking: Asking): void {
    this.#serf.query(request, asking);
  }

  /** One step of a key rotation on all members; `key` is empty for a list. Throws what `query` throws. */
  keys(operation: KeyOperation, key: Uint8Array, onDone: (report: KeyReport) => void): void {
    askForKeys(this.#parts, this.#serf, operation, key, onDone);
  }

  members(): Member[] {
    return [...this.#serf.roll.numbers()].map((number) => this.#serf.member(number));
  }

  /** Members that we believe alive, ourselves included. */
  get aliveCount(): number {
    return this.#parts.members.aliveCount;
  }

  /** The last Lamport times in use, for the next life. */
  clocks(): ClockTimes {
    const { members, events, queries } = this.#serf.clocks;
    return { member: members.next - 1, event: events.next - 1, query: queries.next - 1 };
  }

  self(): Member {
    return this.#serf.member(this.#parts.self.number);
  }

  /** Counters, and how things stand. */
  stats(): Record<string, number> {
    const { awareness, counters, deadlines, members, outbox } = this.#parts;
    const { news, intents, events, queries } = outbox.broadcasts;
    return {
      ...counters.all(),
      health_score: awareness.score,
      loop_lag_ms: awareness.loopLagMs(deadlines.nowMs()),
      members: this.#serf.roll.count,
      members_alive: members.aliveCount,
      members_failed: this.#serf.roll.failed.size,
      members_left: this.#serf.roll.left.size,
      queue_news: news.size,
      queue_intents: intents.size,
      queue_events: events.size,
      queue_queries: queries.size,
      member_time: this.#serf.clocks.members.next,
      event_time: this.#serf.clocks.events.next,
      query_time: this.#serf.clocks.queries.next,
    };
  }

  #receive(from: Endpoint, message: Exclude<PacketMessage, Ping>): void {
    switch (message.type) {
      case 'indirectPing':
        this.#errands.run(message, from);
        break;
      case 'ackResp':
        if (!this.#acks.receiveAck(message.seqNo, message.payload)) this.#parts.counters.add('acks_late');
        break;
      case 'nackResp':
        this.#acks.receiveNack(message.seqNo, from);
        break;
      case 'suspect':
        this.#beliefs.hearSuspect(message);
        break;
      case 'alive':
        this.#beliefs.hearAlive(message);
        break;
      case 'dead':
        this.#beliefs.hearDead(message);
        break;
      case 'user':
        this.#receiveUser(message.payload);
    }
  }

  #answer(from: Endpoint, ping: Ping, besides: readonly PacketMessage[]): void {
    const { counters, outbox, self } = this.#parts;
    if (ping.node !== '' && ping.node !== self.name) {
      counters.add('pings_for_others');
      return;
    }
    const ack = { type: 'ackResp' as const, seqNo: ping.seqNo, payload: null };
    // Somebody who suspects us for something that we have refuted long ago has missed the refutation.
    const outdated = besides.some(
      (message) =>
        message.type === 'suspect' && message.node === self.name && message.incarnation < self.incarnation,
    );
    const asker = sourceOf(ping, from);
    if (outdated && self.state === 'present') outbox.post(asker, ack, self.alive());
    else outbox.post(asker, ack);
  }

  #serve(message: StreamMessage): StreamMessage | null {
    this.#parts.deadlines.noticeStall();
    switch (message.type) {
      case 'pushPull':
        return this.#pushPulls.serve(message);
      case 'ping':
        if (message.node !== '' && message.node !== this.#parts.self.name) return null;
        return { type: 'ackResp', seqNo: message.seqNo, payload: null };
      case 'user':
        this.#receiveUser(message.payload);
        return null;
      default:
        return null;
    }
  }

  #receiveUser(payload: Uint8Array): void {
    if (!this.#kin.receive(payload)) this.#serf.receive(payload);
  }

  #opening(): Opening {
    return {
      label: this.#label,
      keys: this.#options.keyring.keys,
      acceptPlain: this.#options.acceptPlain ?? false,
    };
  }

  #onSelf(): void {
    this.#serf.onSelf();
    this.#tellMember(this.#parts.self.number);
  }

  #tellMember(number: number): void {
    this.#options.onEvent({ kind: 'member', member: this.#serf.member(number) });
  }

  #onStall(stallMs: number): void {
    const { awareness, config, counters, deadlines } = this.#parts;
    awareness.onStall(stallMs, config.probeTimeoutMs, deadlines.nowMs());
    counters.add('stalls');
    this.#options.onEvent({ kind: 'stall', stallMs });
  }

  #comeBack(): void {
    if (this.#lastJoined !== null) this.#pushPulls.exchange(this.#lastJoined, true, () => {});
  }

  #isAlone(): boolean {
    const { members, self } = this.#parts;
    return members.aliveCount <= (members.belief(self.number) === 'alive' ? 1 : 0);
  }

  /** Queues something and waits until it has been told often enough, or long enough, or there is nobody to tell. */
  #whenTold(tell: (onTold: () => void) => void, onDone: () => void): void {
    let done = false;
    const finish = () => {
      if (done) return;
      done = true;
      limit.cancel();
      onDone();
    };
    const alone = this.#isAlone();
    const limit = this.#parts.deadlines.after(alone ? 0 : this.#parts.config.broadcastTimeoutMs, finish);
    tell(finish);
  }

  #dossier(number: number, verdict: Verdict | null): Dossier | null {
    if (verdict === null) return null;
    const { awareness, deadlines, members, self } = this.#parts;
    const { suspicion, reason, evidence } = verdict;
    const record = members.record(number);
    const nowMs = deadlines.nowMs();
    return verdictDossier({
      node: record.name,
      nodeId: record.id,
      incarnation: suspicion.incarnation,
      judge: self.name,
      accuser: suspicion.accuser,
      reason,
      suspectedAtMs: deadlines.wallMsOf(suspicion.startedMs),
      verdictAtMs: deadlines.wallMsOf(nowMs),
      minMs: suspicion.minMs,
      maxMs: suspicion.maxMs,
      confirmationsWanted: suspicion.confirmationsWanted,
      confirmations: suspicion.confirmations,
      probe: evidence,
      fitness: { localHealth: awareness.score, loopLagMs: awareness.loopLagMs(nowMs) },
      members: members.count,
    });
  }
}

function metaOf(tags: Readonly<Record<string, string>>): Uint8Array {
  const known = Object.entries(tags);
  if (known.some(([name]) => name === '')) throw new ExpectedError('BAD_REQUEST', 'a tag needs a name');
  return encodeTags(new Map(known));
}
