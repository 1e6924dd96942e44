/**
 * The member table, and the law which news beats which.
 *
 * A belief changes only by news that is not older than it: an incarnation is a member's own counter, and only the
 * member itself raises it. At equal incarnation bad news wins, so whoever is accused must speak up with a higher one.
 *
 *            alive ──suspect──▶ suspect ──timer──▶ dead ──30 s──▶ forgotten
 *              ▲                   │                 │
 *              └── higher incarnation ───────────────┘            left: dead, said by the member itself
 */
import { assert } from '../../proto/assert.ts';
import type { Random } from '../../proto/ports.ts';
import type { MemberRecord } from './records.ts';
import { grown, roomyLength } from './tables.ts';

export type Belief = 'unknown' | 'alive' | 'suspect' | 'dead' | 'left';
export type News = 'alive' | 'suspect' | 'dead' | 'left';
/** The incarnation of the news, held against the one that is believed. */
export type Age = 'older' | 'same' | 'newer';

/** `confirm`: one more accuser of somebody who is suspect already. */
export type Move = 'ignore' | 'believe' | 'confirm';
/** `compare`: refute only if what is said differs from what we say. */
export type OwnMove = 'ignore' | 'believe' | 'compare' | 'refute';

type Law<B extends string, M> = {
  readonly [belief in B]: { readonly [news in News]: { readonly [age in Age]: M } };
};

const never = { older: 'ignore', same: 'ignore', newer: 'ignore' } as const;
const ifNewer = { older: 'ignore', same: 'ignore', newer: 'believe' } as const;
const unlessOlder = { older: 'ignore', same: 'believe', newer: 'believe' } as const;
const oneMore = { older: 'ignore', same: 'confirm', newer: 'confirm' } as const;
const object = { older: 'ignore', same: 'refute', newer: 'refute' } as const;

/** What to do with news about somebody else. */
export const law: Law<Belief, Move> = {
  unknown: { alive: ifNewer, suspect: never, dead: never, left: never },
  alive: { alive: ifNewer, suspect: unlessOlder, dead: unlessOlder, left: unlessOlder },
  suspect: { alive: ifNewer, suspect: oneMore, dead: unlessOlder, left: unlessOlder },
  dead: { alive: ifNewer, suspect: never, dead: never, left: never },
  left: { alive: ifNewer, suspect: never, dead: never, left: never },
};

/** How we stand ourselves: a goodbye that is under way must not be refuted. */
export type OwnState = 'present' | 'leaving' | 'gone';

/** What to do with news about ourselves. */
export const ownLaw: Law<OwnState, OwnMove> = {
  present: {
    alive: { older: 'ignore', same: 'compare', newer: 'refute' },
    suspect: object,
    dead: object,
    left: object,
  },
  leaving: { alive: never, suspect: object, dead: unlessOlder, left: unlessOlder },
  gone: { alive: never, suspect: never, dead: never, left: never },
};

export function ageOf(incarnation: number, believed: number): Age {
  if (incarnation === believed) return 'same';
  return incarnation < believed ? 'older' : 'newer';
}

const beliefs: readonly Belief[] = ['unknown', 'alive', 'suspect', 'dead', 'left'];
const codeOf: { readonly [belief in Belief]: number } = {
  unknown: 0,
  alive: 1,
  suspect: 2,
  dead: 3,
  left: 4,
};

/** A member that is not in the table any more. */
export interface Forgotten {
  readonly record: MemberRecord;
  readonly incarnation: number;
}

/** What one core believes of each member, by number (`records.ts`): 25 bytes a member beside the shared record. */
export class Members {
  readonly #random: Random;
  #records: (MemberRecord | undefined)[] = [];
  #states = new Uint8Array(0);
  #incarnations = new Uint32Array(0);
  #sinceMs = new Float64Array(0);
  /** All that we remember, in the order in which they are probed. */
  #order = new Uint32Array(0);
  #count = 0;
  #alive = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The "number of members" of every formula: ourselves, and whoever is not forgotten. */
  get count(): number {
    return this.#count;
  }

  get aliveCount(): number {
    return this.#alive;
  }

  /** Numbers of all members, in probe order. A view, not to be kept: the order changes. */
  get order(): Uint32Array {
    return this.#order.subarray(0, this.#count);
  }

  belief(number: number): Belief {
    return beliefs[this.#states[number] ?? 0]!;
  }

  incarnation(number: number): number {
    return this.#incarnations[number] ?? 0;
  }

  /** When the belief was taken on, in running milliseconds. */
  sinceMs(number: number): number {
    return this.#sinceMs[number] ?? 0;
  }

  /** The announcement that is believed; only for members that are known. */
  record(number: number): MemberRecord {
    const record = this.#records[number];
    assert(record !== undefined, `member ${number} is not known`);
    return record;
  }

  knows(number: number | undefined): number is number {
    return number !== undefined && (this.#states[number] ?? 0) !== codeOf.unknown;
  }

  /** Takes over an announcement; a name that is new gets a random place in the probe order. */
  announce(record: MemberRecord, incarnation: number, nowMs: number): void {
    const { number } = record;
    if (!this.knows(number)) this.#insert(number);
    this.#records[number] = record;
    this.#incarnations[number] = incarnation;
    if (this.#states[number] === codeOf.alive) return;
    this.#become(number, 'alive', nowMs);
  }

  /** Takes on a worse belief about a known member. */
  mark(number: number, belief: 'suspect' | 'dead' | 'left', incarnation: number, nowMs: number): void {
    assert(this.knows(number), `member ${number} is not known`);
    this.#incarnations[number] = incarnation;
    if (this.#states[number] !== codeOf[belief]) this.#become(number, belief, nowMs);
  }

  /** Forgets every member that the filter selects, and hands out what was known of them. */
  forget(filter: (number: number) => boolean): Forgotten[] {
    const forgotten: Forgotten[] = [];
    let kept = 0;
    for (const number of this.order) {
      if (!filter(number)) {
        this.#order[kept++] = number;
        continue;
      }
      if (this.#states[number] === codeOf.alive) this.#alive -= 1;
      forgotten.push({ record: this.record(number), incarnation: this.incarnation(number) });
      this.#states[number] = codeOf.unknown;
      this.#incarnations[number] = 0;
      this.#records[number] = undefined;
    }
    this.#count = kept;
    return forgotten;
  }

  /** A new probe order (Fisher and Yates), so that nobody can foresee who asks whom. */
  shuffle(): void {
    const order = this.#order;
    for (let i = this.#count - 1; i > 0; i--) {
      const other = Math.floor(this.#random.unit() * (i + 1));
      const moved = order[i]!;
      order[i] = order[other]!;
      order[other] = moved;
    }
  }

  /**
   * Up to `wanted` random members that pass the filter. Gives up after three draws per member, as memberlist does,
   * so that a cluster with hardly anybody to choose costs little.
   */
  pick(wanted: number, filter: (number: number) => boolean): number[] {
    const picked: number[] = [];
    const count = this.#count;
    for (let draws = 3 * count; draws > 0 && picked.length < wanted; draws--) {
      const number = this.#order[Math.floor(this.#random.unit() * count)]!;
      if (!picked.includes(number) && filter(number)) picked.push(number);
    }
    return picked;
  }

  /** Makes room for this many numbers at once. */
  reserve(count: number): void {
    if (count > this.#states.length) this.#grow(count - 1);
  }

  #insert(number: number): void {
    this.reserve(number + 1);
    const place = Math.floor(this.#random.unit() * (this.#count + 1));
    this.#order[this.#count] = this.#order[place]!;
    this.#order[place] = number;
    this.#count += 1;
  }

  #become(number: number, belief: Belief, nowMs: number): void {
    if (this.#states[number] === codeOf.alive) this.#alive -= 1;
    if (belief === 'alive') this.#alive += 1;
    this.#states[number] = codeOf[belief];
    this.#sinceMs[number] = nowMs;
  }

  #grow(number: number): void {
    const length = roomyLength(number);
    this.#states = grown(this.#states, new Uint8Array(length));
    this.#incarnations = grown(this.#incarnations, new Uint32Array(length));
    this.#sinceMs = grown(this.#sinceMs, new Float64Array(length));
    this.#order = grown(this.#order, new Uint32Array(length));
  }
}
