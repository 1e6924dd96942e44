/**
 * The driver of Raft, and the only place that knows its order: **send what may go, persist, send what waited, apply.**
 *
 *     input (messages, a tick, proposals, a write that ended) ──▶ core ──▶ drain: batch after batch until there is none
 *
 * One input, one drain, then the next input. A write under way does not hold up the next batch; what vouches for it
 * waits until it is durable. It owns the clock, the disk and the way out, all from its constructor, and decides nothing
 * that is not about this order.
 */
import { ExpectedError, isExpected, messageOf } from '../proto/errors.ts';
import type { Clock } from '../proto/ports.ts';
import type { Entry, RaftMessage, ServerId } from '../proto/raft.ts';
import type { Once } from '../proto/rpc.ts';
import type { CommandBody } from '../proto/schema/command.ts';
import type { HealthEvent } from '../proto/schema/event.ts';
import { EmptyAppends } from './empty-appends.ts';
import type { Applied, Fsm } from './fsm/fsm.ts';
import { levelOf } from './fsm/level.ts';
import type { Outcome } from './fsm/outcome.ts';
import type { Gap } from './gaps.ts';
import { Proposals } from './proposals.ts';
import type { MembershipTarget, Raft } from './raft/raft.ts';
import type { RaftStatus, Ready, Standing, Write } from './raft/ready.ts';
import { ReadBarriers } from './read-barriers.ts';
import type { Snapshotter } from './snapshotter.ts';
import { Ticker } from './ticker.ts';
import { WritesUnderWay } from './writes-under-way.ts';

/** What the driver needs of the log on disk (`raft-storage.ts`). */
export interface ReplicaStorage {
  /** Not null: something that was stored is lost, and nothing can be written or vouched for. */
  readonly damage: unknown;
  onLoaded: (() => void) | null;
  onFault: ((error: ExpectedError) => void) | null;
  write(writes: readonly Write[]): Promise<void>;
}

/** What the driver needs of the event log (`event-log.ts`). */
export interface ReplicaEvents {
  onFault: ((error: ExpectedError) => void) | null;
  /** Numbers that no event will have; before the events behind them. */
  skip(gap: Gap): void;
  /** Events whose offset is in the log already are passed over. */
  append(events: readonly HealthEvent[]): void;
  /** Events before this offset may be deleted. */
  trim(firstKept: number): Promise<void>;
}

export interface ReplicaPorts {
  readonly id: ServerId;
  readonly clock: Clock;
  readonly raft: Raft;
  readonly storage: ReplicaStorage;
  readonly fsm: Fsm;
  readonly events: ReplicaEvents;
  readonly snapshotter: Snapshotter;
  send(to: ServerId, messages: readonly RaftMessage[]): void;
  /** The end of this turn of the event loop. */
  defer(run: () => void): void;
  /** This server can go on no longer: its disk failed, or it met a command of a newer server. Called once. */
  onHalt(error: Error): void;
  /** For checkers and metrics: what each entry did. */
  onApplied?(entry: Entry, applied: Applied): void;
}

export interface ReplicaLimits {
  /** Length of one tick in milliseconds. Default 100: heartbeats each tick, elections after ten to twenty. */
  readonly tickMs: number;
  /** Commands applied in one turn of the event loop. Default 1,000. */
  readonly appliedPerTurnMax: number;
  /**
   * So many waiting commands go into the log at once, before the turn of the event loop has ended: the followers work on
   * them while this server still reads the requests that came together with them. Default 128.
   */
  readonly earlyBatch: number;
}

const defaults: ReplicaLimits = { tickMs: 100, appliedPerTurnMax: 1_000, earlyBatch: 128 };

/** Beyond it the disk is what is slow, and more pieces would not make it quicker. */
const writesUnderWayMax = 16;

/** The longest election timeout, in ticks. */
const electionTicksMax = 20;

export class Replica {
  readonly #ports: ReplicaPorts;
  readonly #limits: ReplicaLimits;
  readonly #proposals = new Proposals();
  readonly #barriers = new ReadBarriers();
  readonly #listeners = new Set<(standing: Standing) => void>();
  #standing: Standing;
  readonly #writes = new WritesUnderWay();
  #draining = false;
  #drainAgain = false;
  #placing = false;
  readonly #ticker: Ticker;
  readonly #outgoing: EmptyAppends;
  /** Before the first leader was heard: since the start. */
  #heardLeaderMs: number;
  /** Not null while a snapshot takes the place of the log: the core must not look at the disk then. */
  #frozen: { resolve: () => void } | null = null;
  #halted: ExpectedError | null = null;

  constructor(ports: ReplicaPorts, limits: Partial<ReplicaLimits> = {}) {
    this.#ports = ports;
    this.#limits = { ...defaults, ...limits };
    const { role, term, leader } = ports.raft.status();
    this.#standing = { role, term, leader };
    this.#heardLeaderMs = ports.clock.nowMs();
    this.#outgoing = new EmptyAppends(ports.clock, (to, messages) => ports.send(to, messages));
    this.#ticker = new Ticker(ports.clock, this.#limits.tickMs, ({ isLate }) => this.#onTick(isLate));
  }

  start(): void {
    const { storage, events, snapshotter } = this.#ports;
    storage.onLoaded = () => this.#input((raft) => raft.loaded());
    storage.onFault = (error) => this.#halt(error);
    events.onFault = (error) => this.#halt(error);
    snapshotter.attach({
      freeze: () => this.#freeze(),
      installed: (meta) => {
        this.#frozen = null;
        this.#input((raft) => raft.snapshotInstalled(meta));
      },
      failed: () => this.#input((raft) => raft.snapshotFailed()),
      sent: (peer, ok) => this.#input((raft) => raft.snapshotSent(peer, ok)),
      halt: (error) => this.#halt(error),
    });
    this.#ticker.start();
    this.#input((raft) => this.#hurryAlone(raft));
  }

  /** No tick, no answer, no write any more. What waits is told that this server is stopping. */
  stop(): void {
    this.#silence(new ExpectedError('STOPPING'));
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Milliseconds of one tick of the core. */
  get tickMs(): number {
    return this.#limits.tickMs;
  }

  get isLeader(): boolean {
    return this.#standing.role === 'leader';
  }

  /** Why this server takes no part any more; null while it does. */
  get halted(): ExpectedError | null {
    return this.#halted;
  }

  /** Milliseconds since a leader was heard, or since the start before the first was; 0 on the leader. */
  get lastContactMs(): number {
    return this.isLeader ? 0 : this.#ports.clock.nowMs() - this.#heardLeaderMs;
  }

  status(): RaftStatus {
    return this.#ports.raft.status();
  }

  /** Role, term or leader changed. Returns the function that ends the subscription. */
  onStanding(listener: (standing: Standing) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Messages of another server. */
  receive(messages: readonly RaftMessage[]): void {
    this.#input((raft) => {
      for (const message of messages) raft.step(message);
    });
    const { leader } = this.#standing;
    if (
      leader !== null &&
      messages.some((message) => message.from === leader && message.to === this.#ports.id)
    ) {
      this.#heardLeaderMs = this.#ports.clock.nowMs();
    }
  }

  /**
   * Resolves when the command was applied here, with what came of it. Rejects with the refusal of the state machine, or
   * with NOT_LEADER, BUSY (too much waits, or not every server is new enough for it), TOO_LARGE, CANNOT_WRITE (surely not written), or OUTCOME_UNKNOWN.
   */
  propose(body: CommandBody, once: Once | null = null, bytesMax?: number): Promise<Outcome> {
    if (this.#halted !== null) return Promise.reject(this.#halted);
    if (!this.isLeader) return Promise.reject(this.#notLeader());
    const { level } = this.#ports.fsm.state;
    if (body.kind !== 'level.raise' && levelOf(body.kind) > level)
      return Promise.reject(tooNew(body.kind, level));
    const outcome = this.#proposals.add({ body, once, timeMs: this.#ports.clock.wallMs() }, bytesMax);
    if (this.#mayPlaceEarly()) this.#input(() => this.#placeAll());
    else this.#placeSoon();
    return outcome;
  }

  /**
   * Resolves when this server may answer a read from its state: `default` with the lease of a quorum, `consistent` after a
   * round that began now. Rejects with NOT_LEADER.
   */
  readBarrier(mode: 'default' | 'consistent'): Promise<void> {
    if (this.#halted !== null) return Promise.reject(this.#halted);
    if (!this.isLeader) return Promise.reject(this.#notLeader());
    return this.#barriers.wait((context) => {
      this.#input((raft) => {
        // The process slept and this read came before the tick that is due: nobody knows who leads meanwhile.
        if (this.#ticker.isLate) raft.forgetLease();
        raft.read(context, mode === 'consistent' ? 'index' : 'lease');
      });
    });
  }

  /** Answers what the core says; a change that was begun shows in `status().membership`. */
  changeMembership(target: MembershipTarget): ReturnType<Raft['changeMembership']> {
    return this.#ask((raft) => raft.changeMembership(target));
  }

  transferLeadership(to: ServerId): ReturnType<Raft['transferLeadership']> {
    return this.#ask((raft) => raft.transferLeadership(to));
  }

  /** The only voter need not wait for anybody else to lead. */
  #hurryAlone(raft: Raft): void {
    const { membership } = raft.status();
    const isAlone = membership.outgoing === null && membership.voters.length === 1;
    if (!isAlone || membership.voters[0] !== this.#ports.id) return;
    for (let tick = 0; tick < electionTicksMax && raft.status().role === 'follower'; tick++) raft.tick();
  }

  #ask<T>(question: (raft: Raft) => T): T {
    const answer = question(this.#ports.raft);
    this.#drain();
    return answer;
  }

  #input(act: (raft: Raft) => void): void {
    if (this.#halted !== null || this.#frozen !== null) return;
    try {
      act(this.#ports.raft);
    } catch (error) {
      this.#halt(error);
    }
    this.#drain();
  }

  /** Whatever one batch brings about is an input too and drained after it, never inside of it. */
  #drain(): void {
    this.#drainAgain = true;
    if (this.#draining) return;
    this.#draining = true;
    try {
      while (this.#drainAgain && this.#halted === null) {
        this.#drainAgain = false;
        const ready = this.#ports.raft.ready();
        if (ready === null) continue;
        this.#drainAgain = true;
        this.#work(ready);
      }
    } catch (error) {
      this.#halt(error);
    } finally {
      this.#draining = false;
    }
  }

  #work(ready: Ready): void {
    if (ready.changed !== null) this.#noteStanding(ready.changed);
    this.#send(ready.messages);
    if (ready.write !== null) this.#persist(ready.write, ready.messagesAfterWrite);
    else this.#sendAfterWrites(ready.messagesAfterWrite);
    this.#apply(ready.committed);
    this.#barriers.answered(ready.reads, this.#ports.fsm.state.index, this.#standing.leader);
    if (ready.fetchSnapshot !== null) this.#ports.snapshotter.fetch(ready.fetchSnapshot);
  }

  #persist(write: Write, messages: readonly RaftMessage[]): void {
    // What waits for a damaged disk waits for ever. This server follows by ear, until it is filled anew.
    if (this.#ports.storage.damage !== null) return;
    this.#writes.begin(write.token, messages);
    this.#ports.storage
      .write([write])
      .then(() => this.#onStored(write.token))
      .catch((error: unknown) => this.#halt(error));
  }

  #onStored(token: number): void {
    if (this.#halted !== null) return;
    for (const messages of this.#writes.end(token)) this.#send(messages);
    this.#ports.raft.stored(token);
    if (this.#frozen === null) this.#place();
    this.#drain();
    if (this.#writes.count === 0) this.#frozen?.resolve();
  }

  #sendAfterWrites(messages: readonly RaftMessage[]): void {
    if (!this.#writes.hold(messages)) this.#send(messages);
  }

  #send(messages: readonly RaftMessage[]): void {
    const byPeer = new Map<ServerId, RaftMessage[]>();
    for (const message of messages) {
      const batch = byPeer.get(message.to);
      if (batch === undefined) byPeer.set(message.to, [message]);
      else batch.push(message);
    }
    for (const [peer, batch] of byPeer) this.#outgoing.send(peer, batch);
  }

  #apply(committed: readonly Entry[]): void {
    const last = committed.at(-1);
    if (last === undefined) return;
    const { fsm, events, snapshotter } = this.#ports;
    const applied = committed.map((entry) => {
      const result = fsm.apply(entry);
      this.#ports.onApplied?.(entry, result);
      return result;
    });
    // First the events, then the answers: whoever is told of a change finds it in the log.
    this.#publish(applied);
    const firstKept = applied.findLast((each) => each.firstKept !== null)?.firstKept;
    if (firstKept != null) events.trim(firstKept).catch((error: unknown) => this.#halt(error));
    for (const [i, entry] of committed.entries()) this.#proposals.applied(entry, applied[i]!.outcome);
    this.#barriers.applied(last.index);
    snapshotter.applied(committed);
    // A long replay must not hold up everything else that this process does.
    if (committed.length < this.#limits.appliedPerTurnMax) this.#ports.raft.applied(last.index);
    else this.#ports.defer(() => this.#input((raft) => raft.applied(last.index)));
  }

  #publish(applied: readonly Applied[]): void {
    const { events } = this.#ports;
    let news: HealthEvent[] = [];
    const flush = () => {
      if (news.length > 0) events.append(news);
      news = [];
    };
    for (const each of applied) {
      if (each.gap !== null) {
        flush();
        events.skip(each.gap);
      }
      news.push(...each.events);
    }
    flush();
  }

  #noteStanding(standing: Standing): void {
    const before = this.#standing;
    this.#standing = standing;
    this.#outgoing.drop();
    if (before.role === 'leader' && (standing.role !== 'leader' || standing.term !== before.term)) {
      this.#proposals.leadershipLost(standing.leader);
    }
    const nowMs = this.#ports.clock.nowMs();
    // A leader steps down after it has heard no majority for so long; what the others decided since, it cannot know.
    if (before.role === 'leader') this.#heardLeaderMs = nowMs - electionTicksMax * this.#limits.tickMs;
    if (standing.leader !== null) this.#heardLeaderMs = nowMs;
    for (const listener of this.#listeners) listener(standing);
  }

  /** While a write is under way, proposals gather for the next one. */
  #placeSoon(): void {
    if (this.#placing || this.#writes.count > 0) return;
    this.#placing = true;
    this.#ports.defer(() => {
      this.#placing = false;
      this.#input(() => this.#place());
    });
  }

  #place(): void {
    if (this.#writes.count === 0) this.#placeAll();
  }

  #mayPlaceEarly(): boolean {
    return this.#proposals.queued >= this.#limits.earlyBatch && this.#writes.count < writesUnderWayMax;
  }

  #placeAll(): void {
    this.#proposals.place((data) => this.#ports.raft.propose(data));
  }

  #onTick(isLate: boolean): void {
    this.#input((raft) => {
      if (isLate) raft.forgetLease();
      raft.tick();
    });
  }

  /** Messages and ticks are passed over from now on. Resolves when no write is under way. */
  #freeze(): Promise<void> {
    return new Promise((resolve) => {
      this.#frozen = { resolve };
      if (this.#writes.count === 0) resolve();
    });
  }

  #notLeader(): ExpectedError {
    return new ExpectedError('NOT_LEADER', undefined, { data: { leader: this.#standing.leader } });
  }

  #halt(error: unknown): void {
    if (this.#halted !== null) return;
    const reason = isExpected(error)
      ? error
      : new ExpectedError('STOPPING', `this server has stopped: ${messageOf(error)}`, { cause: error });
    this.#silence(reason);
    this.#ports.onHalt(error instanceof Error ? error : reason);
  }

  #silence(reason: ExpectedError): void {
    if (this.#halted !== null) return;
    this.#halted = reason;
    this.#ticker.stop();
    this.#outgoing.drop();
    this.#proposals.stop(reason);
    this.#barriers.stop(reason);
    const { term } = this.#standing;
    if (this.#standing.role === 'follower' && this.#standing.leader === null) return;
    this.#noteStanding({ role: 'follower', term, leader: null });
  }
}

function tooNew(kind: string, level: number): ExpectedError {
  return new ExpectedError(
    'BUSY',
    `not every server knows the command "${kind}" yet: the servers have agreed on level ${level}. Update all of them`,
  );
}
