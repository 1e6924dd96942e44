/**
 * The layer above membership: what members say (intents, events, queries) beside what is seen of them. Puts the parts
 * of this folder together; messages come in at `receive`, beliefs at `onAlive`, `onUpdated` and `onGone`.
 */
import { queryFlagNoBroadcast, type SerfMessage, type SerfQuery } from '../../../proto/gossip/messages.ts';
import { messageType } from '../../../proto/gossip/packets.ts';
import { decodeSerf, encodeSerf } from '../../../proto/gossip/serf.ts';
import { hostOf } from '../addresses.ts';
import type { BroadcastQueue } from '../broadcasts.ts';
import type { Keyring } from '../keyring.ts';
import type { Dossier, MembershipChange, QueryRequest, UserEvent } from '../membership.ts';
import type { Parts } from '../parts.ts';
import type { MemberRecord } from '../records.ts';
import { Answers, type Respond } from './answers.ts';
import { Intents } from './intents.ts';
import { InternalQueries, internalPrefix } from './internal-queries.ts';
import { LamportClock } from './lamport.ts';
import { type Asking, Queries } from './queries.ts';
import type { ClockTimes } from './snapshot.ts';
import {
  encodeState,
  everything,
  mergeState,
  type SerfClocks,
  type StateParts,
  type StateScope,
} from './state.ts';
import { Upkeep } from './upkeep.ts';
import { UserEvents } from './user-events.ts';

export interface SerfReports {
  onChange(change: MembershipChange): void;
  onUserEvent(event: UserEvent): void;
  /** A query for the application. */
  onQuery(query: SerfQuery, respond: Respond): void;
  onKeysChanged(): void;
  reconnect(record: MemberRecord): void;
}

/** Sorting them all is worth it only for a few at once. */
const forgottenAtOnce = 64;

export class Serf {
  readonly clocks: SerfClocks = {
    members: new LamportClock(),
    events: new LamportClock(),
    queries: new LamportClock(),
  };
  readonly #parts: Parts;
  readonly #reports: SerfReports;
  readonly #intents: Intents;
  readonly #events: UserEvents;
  readonly #queries: Queries;
  readonly #answers: Answers;
  readonly #internal: InternalQueries;
  readonly #upkeep: Upkeep;
  readonly #state: StateParts;

  constructor(options: { parts: Parts; keyring: Keyring; reports: SerfReports }) {
    const { parts, keyring, reports } = options;
    const { roll } = parts;
    const { clocks } = this;
    this.#parts = parts;
    this.#reports = reports;
    this.#intents = new Intents({
      parts,
      clock: clocks.members,
      roll,
      reports: {
        onLeft: (number) => this.#changed('left', number),
        onPruned: (number) => this.#reap(number),
        onWrongAboutUs: () => this.announceJoin(),
      },
    });
    this.#events = new UserEvents({
      config: parts.config,
      clock: clocks.events,
      counters: parts.counters,
      deliver: (event) => reports.onUserEvent(event),
    });
    this.#queries = new Queries({ parts, clock: clocks.queries, roll });
    this.#answers = new Answers({
      parts,
      clock: clocks.queries,
      onQuery: (query, respond) => this.#onQuery(query, respond),
    });
    this.#internal = new InternalQueries({
      parts,
      roll,
      keyring,
      onKeysChanged: () => reports.onKeysChanged(),
    });
    this.#upkeep = new Upkeep({
      parts,
      roll,
      intents: this.#intents,
      onReaped: (number) => this.#reap(number),
      onStayed: (number) => {
        roll.setStatus(number, 'alive');
        this.#changed('updated', number);
      },
      reconnect: (record) => reports.reconnect(record),
    });
    this.#state = { clocks, roll, intents: this.#intents, events: this.#events, answers: this.#answers };
  }

  start(): void {
    this.#upkeep.start();
  }

  stop(): void {
    this.#upkeep.stop();
    this.#queries.stop();
  }

  /** Goes on where the last life ended; what was heard then is not heard again. */
  restore(times: ClockTimes): void {
    this.clocks.members.witness(times.member);
    this.clocks.events.witness(times.event);
    this.clocks.queries.witness(times.query);
    this.#events.ignoreBefore(times.event + 1);
    this.#answers.ignoreBefore(times.query + 1);
  }

  /** Our own entry: put on the roll, or brought up to date. */
  onSelf(): void {
    const { number } = this.#parts.self;
    if (this.#parts.roll.status(number) === 'none') this.#parts.roll.setStatus(number, 'alive');
  }

  onAlive(number: number): void {
    const before = this.#parts.roll.status(number);
    this.#parts.roll.onSeen(number);
    if (before === 'none') this.#intents.onFirstSeen(number);
    else this.#parts.roll.setStatus(number, 'alive');
    this.#changed(before === 'failed' ? 'recovered' : 'joined', number);
  }

  onUpdated(number: number): void {
    this.#changed('updated', number);
  }

  /** The roll is full: who has been gone longest is forgotten before its time. */
  makeRoom(): void {
    for (const number of this.#parts.roll.longestGone(forgottenAtOnce)) this.#reap(number);
  }

  /** A goodbye from its own mouth is no failure, even if its leave intent was lost on the way. */
  onGone(number: number, dossier: Dossier | null): void {
    const left =
      this.#parts.roll.status(number) === 'leaving' || this.#parts.members.belief(number) === 'left';
    this.#parts.roll.setStatus(number, left ? 'left' : 'failed');
    this.#changed(left ? 'left' : 'failed', number, dossier);
  }

  /** A Serf message, from a packet or a stream. */
  receive(encoded: Uint8Array): void {
    const { message, refused } = decodeSerf(encoded);
    if (message === undefined) {
      this.#parts.counters.add(`serf_refused_${refused}`);
      return;
    }
    this.#receive(message, encoded);
  }

  get events(): UserEvents {
    return this.#events;
  }

  encodeState(scope: StateScope = everything): Uint8Array {
    return encodeState(this.#state, scope);
  }

  mergeState(encoded: Uint8Array, skipOldEvents: boolean): void {
    if (encoded.length === 0) return;
    if (!mergeState(this.#state, encoded, skipOldEvents)) this.#parts.counters.add('serf_states_refused');
  }

  /** Says that we are here to stay: after a join, and against rumours that we leave. */
  announceJoin(): void {
    const { self } = this.#parts;
    const ltime = this.clocks.members.take();
    this.#parts.roll.setLtime(self.number, ltime);
    const message = encodeSerf({ type: 'serf.join', ltime, node: self.name });
    this.#tell(this.#parts.outbox.broadcasts.intents, message);
  }

  /** Says that a member leaves: we ourselves, or one that failed and will not come back. */
  announceLeave(node: string, prune: boolean, onTold: (() => void) | null): void {
    const message = { type: 'serf.leave' as const, ltime: this.clocks.members.take(), node, prune };
    const encoded = encodeSerf(message);
    this.#intents.hear(message);
    this.#tell(this.#parts.outbox.broadcasts.intents, encoded, onTold);
  }

  /** Throws BAD_REQUEST when the event is too large. */
  fireEvent(name: string, payload: Uint8Array, coalesce: boolean): void {
    this.#tell(this.#parts.outbox.broadcasts.events, this.#events.fire(name, payload, coalesce));
  }

  /** Throws BAD_REQUEST or BUSY. */
  query(request: QueryRequest, asking: Asking): void {
    const { query, encoded } = this.#queries.ask(request, asking);
    this.#tell(this.#parts.outbox.broadcasts.queries, encoded);
    this.#answers.hear(query);
  }

  #receive(message: SerfMessage, encoded: Uint8Array): void {
    const { broadcasts } = this.#parts.outbox;
    switch (message.type) {
      case 'serf.join':
      case 'serf.leave':
        if (this.#intents.hear(message)) this.#tell(broadcasts.intents, encoded);
        break;
      case 'serf.userEvent':
        if (this.#events.hear(message)) this.#tell(broadcasts.events, encoded);
        break;
      case 'serf.query':
        if (this.#answers.hear(message) && mayPassOn(message)) this.#tell(broadcasts.queries, encoded);
        break;
      case 'serf.queryResponse':
        this.#queries.hearResponse(message);
        break;
      case 'serf.relay': {
        const host = hostOf(message.destAddr);
        if (host === undefined) break;
        const to = { host, port: message.destPort };
        this.#parts.outbox.postBare(to, { type: 'user', payload: message.inner });
        break;
      }
      default:
        // The rest travels inside other messages and means nothing alone.
        this.#parts.counters.add('serf_refused_misplaced');
    }
  }

  #onQuery(query: SerfQuery, respond: Respond): void {
    if (query.name.startsWith(internalPrefix)) this.#internal.answer(query, respond);
    else this.#reports.onQuery(query, respond);
  }

  #reap(number: number): void {
    const member = this.#parts.roll.member(number);
    this.#parts.roll.erase(number);
    this.#reports.onChange({ kind: 'reaped', member, dossier: null });
  }

  #changed(kind: MembershipChange['kind'], number: number, dossier: Dossier | null = null): void {
    this.#reports.onChange({ kind, member: this.#parts.roll.member(number), dossier });
  }

  /** Queues the bytes as they are, so that everybody passes on the same ones. */
  #tell(queue: BroadcastQueue, encoded: Uint8Array, onTold: (() => void) | null = null): void {
    const message = new Uint8Array(1 + encoded.length);
    message[0] = messageType.user;
    message.set(encoded, 1);
    queue.queue(message, null, onTold);
  }
}

function mayPassOn(query: SerfQuery): boolean {
  return (query.flags & queryFlagNoBroadcast) === 0;
}
