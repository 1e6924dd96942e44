/**
 * Reads that need no log entry (thesis 6.4). The leader notes its commit index, makes sure by one round of
 * heartbeats that nobody has taken its place, and answers with the noted index.
 *
 * The leader numbers its rounds itself. An answer to round n confirms what was noted before round n left, and nothing
 * else: contexts of clients may repeat, and a delayed answer must not confirm a later read.
 */
import type { ServerId } from '../../proto/raft.ts';

export interface ReadRequested {
  readonly context: number;
  /** The server that asked, or null for this one. */
  readonly from: ServerId | null;
}

export interface ReadNoted extends ReadRequested {
  /** The read may run when this index is applied. */
  readonly index: number;
  /** The first round that began after the read came in. */
  readonly round: number;
}

/** Reads at the leader: rounds, their order, and the lease that a confirmed round gives. */
export class LeaderReads {
  /** Number of the newest round that was sent. */
  round = 0;
  private readonly leaseTicks: number;
  private readonly readsMax: number;
  private confirmedRound = 0;
  /** Send time of the newest confirmed round. */
  private confirmedSinceTicks: number | null = null;
  /** Rounds that wait for a quorum: of each tick the last one, since all rounds of a tick have one send time. */
  private open: { round: number; readonly sentTicks: number }[] = [];
  private early: ReadRequested[] = [];
  private noted: ReadNoted[] = [];

  constructor(limits: { readonly leaseTicks: number; readonly readsMax: number }) {
    this.leaseTicks = limits.leaseTicks;
    this.readsMax = limits.readsMax;
  }

  get isFull(): boolean {
    return this.early.length + this.noted.length >= this.readsMax;
  }

  /** A read came in since the newest round left. */
  get needsRound(): boolean {
    return this.noted.length > 0 && this.noted[this.noted.length - 1]!.round > this.round;
  }

  /** Before an entry of its own term is committed a leader does not know what is committed: such reads wait. */
  postpone(request: ReadRequested): void {
    this.early.push(request);
  }

  note(request: ReadRequested, commit: number): void {
    this.noted.push({ ...request, index: commit, round: this.round + 1 });
  }

  notePostponed(commit: number): void {
    for (const request of this.early) this.note(request, commit);
    this.early = [];
  }

  startRound(nowTicks: number): number {
    this.round++;
    // A send time older than a lease can give none any more.
    while (this.open[0] !== undefined && nowTicks - this.open[0].sentTicks >= this.leaseTicks)
      this.open.shift();
    const last = this.open[this.open.length - 1];
    if (last?.sentTicks === nowTicks) last.round = this.round;
    else this.open.push({ round: this.round, sentTicks: nowTicks });
    return this.round;
  }

  /** A quorum answered this round or later ones. Returns the reads that may go on. */
  confirm(round: number): readonly ReadNoted[] {
    if (round <= this.confirmedRound) return [];
    this.confirmedRound = round;
    while (this.open[0] !== undefined && this.open[0].round <= round) {
      this.confirmedSinceTicks = this.open.shift()!.sentTicks;
    }
    const ready = this.noted.findIndex((read) => read.round > round);
    return this.noted.splice(0, ready === -1 ? this.noted.length : ready);
  }

  /** Whether a quorum was heard so recently that no other leader can have been elected. */
  leaseHolds(nowTicks: number): boolean {
    return this.confirmedSinceTicks !== null && nowTicks - this.confirmedSinceTicks < this.leaseTicks;
  }

  /** Time passed that was not counted, so nothing sent before now proves anything about now. */
  forgetLease(): void {
    this.confirmedSinceTicks = null;
    this.open = [];
  }

  /** The leadership ended: everything that still waits fails. */
  drain(): readonly ReadRequested[] {
    const failed = [...this.early, ...this.noted];
    this.early = [];
    this.noted = [];
    return failed;
  }
}

/**
 * Reads at a follower or learner: the leader is asked for an index. All reads of one turn share a request. Its number is
 * ours, unlike any of an earlier life of this process, so that no late answer meets the wrong read.
 */
export class ForwardedReads {
  private readonly readsMax: number;
  private nextRequest: number;
  private fresh: number[] = [];
  private asked: {
    readonly request: number;
    readonly contexts: readonly number[];
    readonly sinceTicks: number;
  }[] = [];
  private count = 0;

  constructor(readsMax: number, firstRequest: number) {
    this.readsMax = readsMax;
    this.nextRequest = firstRequest;
  }

  get isFull(): boolean {
    return this.count >= this.readsMax;
  }

  add(context: number): void {
    this.fresh.push(context);
    this.count++;
  }

  /** The number of the request to send for everything that came in since the last one, or null. */
  ask(nowTicks: number): number | null {
    if (this.fresh.length === 0) return null;
    const request = this.nextRequest++;
    this.asked.push({ request, contexts: this.fresh, sinceTicks: nowTicks });
    this.fresh = [];
    return request;
  }

  /** The contexts that an answer is for; empty when it is late or not ours. */
  answered(request: number): readonly number[] {
    const at = this.asked.findIndex((open) => open.request === request);
    if (at === -1) return [];
    const [found] = this.asked.splice(at, 1);
    this.count -= found!.contexts.length;
    return found!.contexts;
  }

  /** Contexts that waited for `ticksMax` or longer; they are given up. */
  expire(nowTicks: number, ticksMax: number): readonly number[] {
    const expired: number[] = [];
    while (this.asked[0] !== undefined && nowTicks - this.asked[0].sinceTicks >= ticksMax) {
      expired.push(...this.asked.shift()!.contexts);
    }
    this.count -= expired.length;
    return expired;
  }

  drain(): readonly number[] {
    const failed = [...this.asked.flatMap((open) => open.contexts), ...this.fresh];
    this.asked = [];
    this.fresh = [];
    this.count = 0;
    return failed;
  }
}
