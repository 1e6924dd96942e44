/**
 * The roll: every member that Serf remembers, hours after the failure detector has forgotten it, with what was said
 * about it (intents) beside what was seen of it (beliefs).
 *
 *     alive ──leave intent──▶ leaving ──gone──▶ left          gone without an intent: failed
 *     failed ──leave intent (rollcall force-leave)──▶ left
 */
import { assert } from '../../../proto/assert.ts';
import type { Deadlines } from '../deadlines.ts';
import type { Forgotten, Members } from '../members.ts';
import type { Member, MemberState } from '../membership.ts';
import type { MemberRecord, Records } from '../records.ts';
import { grown, roomyLength } from '../tables.ts';

export type Status = 'none' | 'alive' | 'leaving' | 'left' | 'failed';

const statuses: readonly Status[] = ['none', 'alive', 'leaving', 'left', 'failed'];
/** These numbers are also Serf's on the wire. */
export const statusCode = { none: 0, alive: 1, leaving: 2, left: 3, failed: 4 } as const;

export class Roll {
  readonly #members: Members;
  readonly #records: Records;
  readonly #deadlines: Deadlines;
  #statuses = new Uint8Array(0);
  /** Lamport time of the last intent about the member. */
  #ltimes = new Float64Array(0);
  /** When the status was taken on, in running milliseconds. */
  #sinceMs = new Float64Array(0);
  /** Members that only we still remember. */
  readonly #forgotten = new Map<number, Forgotten>();
  readonly #failed = new Set<number>();
  readonly #leaving = new Set<number>();
  readonly #left = new Set<number>();
  /** Left, but we have heard that they come back. */
  readonly #returning = new Set<number>();
  #count = 0;

  constructor(options: { members: Members; records: Records; deadlines: Deadlines }) {
    this.#members = options.members;
    this.#records = options.records;
    this.#deadlines = options.deadlines;
  }

  /** Everybody, failed and left members included. */
  get count(): number {
    return this.#count;
  }

  get failed(): ReadonlySet<number> {
    return this.#failed;
  }

  get leaving(): ReadonlySet<number> {
    return this.#leaving;
  }

  get left(): ReadonlySet<number> {
    return this.#left;
  }

  /** Left, and nothing newer has been heard: what we may tell others without putting them wrong. */
  isLeftForGood(number: number): boolean {
    return this.#left.has(number) && !this.#returning.has(number);
  }

  /** Numbers of all members on the roll. */
  *numbers(): Generator<number> {
    for (let number = 0; number < this.#statuses.length; number++) {
      if (this.#statuses[number] !== statusCode.none) yield number;
    }
  }

  /** Those that failed or left longest ago, oldest first. */
  longestGone(count: number): number[] {
    const gone = [...this.#failed, ...this.#left];
    return gone.sort((a, b) => this.sinceMs(a) - this.sinceMs(b)).slice(0, count);
  }

  numberOf(name: string): number | undefined {
    const number = this.#records.numberOf(name);
    return number !== undefined && this.status(number) !== 'none' ? number : undefined;
  }

  status(number: number): Status {
    return statuses[this.#statuses[number] ?? 0]!;
  }

  ltime(number: number): number {
    return this.#ltimes[number] ?? 0;
  }

  sinceMs(number: number): number {
    return this.#sinceMs[number] ?? 0;
  }

  record(number: number): MemberRecord {
    return this.#lastKnown(number).record;
  }

  setLtime(number: number, ltime: number): void {
    this.#ltimes[number] = ltime;
  }

  /** A member says that it joins. Until it is seen, one that had left has neither left nor come back. */
  setJoining(number: number, ltime: number): void {
    this.setLtime(number, ltime);
    if (this.status(number) === 'leaving') this.setStatus(number, 'alive');
    if (this.status(number) === 'left') this.#returning.add(number);
  }

  setStatus(number: number, status: Exclude<Status, 'none'>): void {
    const before = this.status(number);
    if (before === status) return;
    this.reserve(number + 1);
    if (before === 'none') this.#count += 1;
    this.#unlist(number);
    if (status === 'failed') this.#failed.add(number);
    if (status === 'leaving') this.#leaving.add(number);
    if (status === 'left') this.#left.add(number);
    this.#statuses[number] = statusCode[status];
    this.#sinceMs[number] = this.#deadlines.nowMs();
  }

  /** Strikes a member off the roll; nothing of it is remembered. */
  erase(number: number): void {
    const record = this.record(number);
    this.#count -= 1;
    this.#unlist(number);
    this.#statuses[number] = statusCode.none;
    this.#ltimes[number] = 0;
    this.#forgotten.delete(number);
    // The failure detector may still hold it for half a minute; then it forgets the name too.
    if (!this.#members.knows(number)) this.#records.release(record);
  }

  /** The failure detector has forgotten a member; from now on the roll alone keeps what was known of it. */
  onForgotten(forgotten: Forgotten): void {
    const { record } = forgotten;
    if (this.status(record.number) === 'none') this.#records.release(record);
    else this.#forgotten.set(record.number, forgotten);
  }

  /** The failure detector knows the member (again). */
  onSeen(number: number): void {
    this.#forgotten.delete(number);
  }

  /** The member as the rest of the agent sees it. */
  member(number: number): Member {
    const { record, incarnation } = this.#lastKnown(number);
    const suspect = this.status(number) === 'alive' && this.#members.belief(number) === 'suspect';
    const sinceMs = suspect ? this.#members.sinceMs(number) : this.sinceMs(number);
    return {
      name: record.name,
      address: record.endpoint,
      tags: record.plainTags,
      state: suspect ? 'suspect' : (this.status(number) as MemberState),
      incarnation,
      sinceMs: this.#deadlines.wallMsOf(sinceMs),
      vsn: [...record.vsn],
    };
  }

  /** Makes room for this many numbers at once. */
  reserve(count: number): void {
    if (count <= this.#statuses.length) return;
    const length = roomyLength(count - 1);
    this.#statuses = grown(this.#statuses, new Uint8Array(length));
    this.#ltimes = grown(this.#ltimes, new Float64Array(length));
    this.#sinceMs = grown(this.#sinceMs, new Float64Array(length));
  }

  #unlist(number: number): void {
    this.#failed.delete(number);
    this.#leaving.delete(number);
    this.#left.delete(number);
    this.#returning.delete(number);
  }

  #lastKnown(number: number): Forgotten {
    if (this.#members.knows(number)) {
      return { record: this.#members.record(number), incarnation: this.#members.incarnation(number) };
    }
    const forgotten = this.#forgotten.get(number);
    assert(forgotten !== undefined, `member ${number} is not on the roll`);
    return forgotten;
  }
}
