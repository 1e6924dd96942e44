/**
 * A table of members as a few numbers, so that two members can see in one small message that they believe the same. The
 * members are spread over buckets by name; each bucket has the sum of its members' hashes, which does not depend on order.
 */
import { mix } from './hash.ts';
import type { Members } from './members.ts';
import type { MemberRecord } from './records.ts';
import type { Roll } from './serf/roll.ts';
import type { UserEvents } from './serf/user-events.ts';

export const bucketCount = 256;
/** The last sum is that of the recent user events. */
const sumCount = bucketCount + 1;
export const digestBytes = 8;

export type Sums = Uint32Array;

/** Sums over everything that a full exchange would carry. */
export function sumsOf(members: Members, roll: Roll, events: UserEvents): Sums {
  const sums = new Uint32Array(sumCount);
  for (const number of roll.numbers()) {
    const record = roll.record(number);
    const bucket = bucketOf(record);
    sums[bucket]! += memberHash(members, roll, record);
  }
  sums[bucketCount] = events.hash;
  return sums;
}

export function bucketOf(record: MemberRecord): number {
  return record.nameHash % bucketCount;
}

/** Both halves of the digest see all sums, each in its own way. */
export function digestOf(sums: Sums): Uint8Array {
  let first = 0x811c9dc5;
  let second = 0x9e3779b9;
  for (const sum of sums) {
    first = mix(first, sum);
    second = mix(second, ~sum);
  }
  const digest = new DataView(new ArrayBuffer(digestBytes));
  digest.setUint32(0, first >>> 0);
  digest.setUint32(4, second >>> 0);
  return new Uint8Array(digest.buffer);
}

export function encodeSums(sums: Sums): Uint8Array {
  const view = new DataView(new ArrayBuffer(sums.length * 4));
  sums.forEach((sum, index) => {
    view.setUint32(index * 4, sum);
  });
  return new Uint8Array(view.buffer);
}

/** Undefined for bytes that are no sums. */
export function decodeSums(bytes: Uint8Array): Sums | undefined {
  if (bytes.length !== sumCount * 4) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Uint32Array.from({ length: sumCount }, (_, index) => view.getUint32(index * 4));
}

/** Where two tables differ: one bit for each bucket, and whether the events do. */
export function difference(own: Sums, other: Sums): { buckets: Uint8Array; events: boolean } {
  const buckets = new Uint8Array(bucketCount / 8);
  for (let bucket = 0; bucket < bucketCount; bucket++) {
    if (own[bucket] !== other[bucket]) buckets[bucket >> 3]! |= 1 << (bucket & 7);
  }
  return { buckets, events: own[bucketCount] !== other[bucketCount] };
}

export function isSelected(buckets: Uint8Array, record: MemberRecord): boolean {
  const bucket = bucketOf(record);
  return ((buckets[bucket >> 3] ?? 0) & (1 << (bucket & 7))) !== 0;
}

function memberHash(members: Members, roll: Roll, record: MemberRecord): number {
  const { number } = record;
  let hash = mix(record.hash, members.incarnation(number));
  hash = mix(hash, stateCodes[members.belief(number)]);
  const ltime = roll.ltime(number);
  hash = mix(hash, ltime >>> 0);
  hash = mix(hash, Math.floor(ltime / 0x1_0000_0000));
  return mix(hash, roll.isLeftForGood(number) ? 1 : 0) >>> 0;
}

const stateCodes = { unknown: 0, alive: 1, suspect: 2, dead: 3, left: 4 } as const;
