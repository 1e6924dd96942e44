/**
 * Who votes. Every change of the voters goes through a joint phase in which both the old and the new majority are
 * needed (thesis 4.3): one way for all changes, and replacing a server is one step instead of a moment with four voters.
 *
 * A membership is in force as soon as its entry is in the log, so it must fall back when the entry is cut. One step
 * back is always enough: a leader appends a membership only when the one before it is committed and nothing
 * of an older term is left uncommitted below, so in any log at most the newest membership can be cut.
 */
import { assert } from '../../proto/assert.ts';
import { decode, encode } from '../../proto/codec.ts';
import type { Entry, Membership, ServerId } from '../../proto/raft.ts';
import type { LogView } from './ready.ts';

/** A membership, and the index of the entry that made it. */
export interface LocatedMembership {
  readonly index: number;
  readonly membership: Membership;
}

/** What somebody wants the membership to be. */
export interface MembershipTarget {
  readonly voters: readonly ServerId[];
  readonly learners: readonly ServerId[];
  readonly addresses: Readonly<Record<ServerId, string>>;
}

const nobody: Membership = { voters: [], outgoing: null, learners: [], addresses: {} };

/** Entries that are looked through at once when an older membership is searched. */
const searchChunk = 256;

export function encodeMembership(membership: Membership): Uint8Array {
  return encode(canonical(membership));
}

/** Throws when the bytes are no membership; they come from our own log or our own leader. */
export function decodeMembership(bytes: Uint8Array): Membership {
  const value = decode(bytes) as Partial<Membership> | null;
  assert(value !== null && typeof value === 'object', 'a membership entry holds an object');
  const { voters, outgoing, learners, addresses } = value;
  assert(isIdList(voters) && isIdList(learners), 'a membership lists voters and learners');
  assert(outgoing === null || isIdList(outgoing), 'outgoing voters are a list or null');
  assert(typeof addresses === 'object' && addresses !== null, 'a membership has addresses');
  return canonical({ voters, outgoing, learners, addresses });
}

/** Votes count from it, in either half of a joint phase. */
export function isVoter(membership: Membership, id: ServerId): boolean {
  return membership.voters.includes(id) || (membership.outgoing?.includes(id) ?? false);
}

/** Everybody who gets entries, sorted, so that messages always leave in the same order. */
export function memberIds(membership: Membership): ServerId[] {
  const { voters, outgoing, learners } = membership;
  return [...new Set([...voters, ...(outgoing ?? []), ...learners])].sort();
}

/** What makes no sense in the wish itself; null when it is sound. */
export function faultOf(target: MembershipTarget): 'noVoters' | 'ambiguous' | null {
  if (target.voters.length === 0) return 'noVoters';
  const ids = [...target.voters, ...target.learners];
  return new Set(ids).size === ids.length ? null : 'ambiguous';
}

/** First entry of a change: joint when the voters differ, else already the end of it. */
export function firstStep(current: Membership, target: MembershipTarget): Membership {
  assert(current.outgoing === null, 'a change begins outside of a joint phase');
  const outgoing = sameIds(current.voters, target.voters) ? null : current.voters;
  const addresses = { ...current.addresses, ...target.addresses };
  return canonical({ ...target, outgoing, addresses });
}

/** Second entry of a change: the old voters have no say any more. */
export function lastStep(joint: Membership): Membership {
  assert(joint.outgoing !== null, 'only a joint phase is left');
  return canonical({ ...joint, outgoing: null });
}

/** The membership in force, and the way back should its entry be cut. */
export class MembershipHistory {
  latest: LocatedMembership;
  private previous: LocatedMembership | null = null;
  /** After a restart the previous one is searched in the log below this index, only when it is needed. */
  private searchBelow: number;
  private readonly origin: Membership;

  /** `origin` was in force before any entry or snapshot told of another one. */
  constructor(latest: LocatedMembership, origin: Membership = nobody) {
    this.latest = latest;
    this.searchBelow = latest.index;
    this.origin = origin;
  }

  get current(): Membership {
    return this.latest.membership;
  }

  append(entry: Entry): void {
    assert(entry.index > this.latest.index, 'memberships are appended in order');
    this.previous = this.latest;
    this.latest = { index: entry.index, membership: decodeMembership(entry.data) };
  }

  /** The membership before the newest; undefined while it is being read from disk. */
  before(log: LogView): LocatedMembership | undefined {
    while (this.previous === null) {
      if (!this.search(log)) return undefined;
    }
    return this.previous;
  }

  /** Whether the log may be cut from `index` on: not before the membership to fall back to is known. */
  canCut(index: number, log: LogView): boolean {
    return index > this.latest.index || this.before(log) !== undefined;
  }

  cut(index: number): void {
    if (index > this.latest.index) return;
    assert(this.previous !== null && this.previous.index < index, 'only the newest membership can be cut');
    this.latest = this.previous;
    this.previous = null;
    this.searchBelow = this.latest.index;
  }

  /** A snapshot took the place of the log. */
  reset(latest: LocatedMembership): void {
    this.latest = latest;
    this.previous = null;
    this.searchBelow = latest.index;
  }

  /** Looks through one chunk of the stored log, newest first. False when it must be loaded first. */
  private search(log: LogView): boolean {
    const snapshot = log.snapshot();
    const oldest = Math.max(log.firstIndex(), (snapshot?.membershipIndex ?? 0) + 1);
    if (this.searchBelow <= oldest) {
      this.previous =
        snapshot === undefined
          ? { index: 0, membership: this.origin }
          : { index: snapshot.membershipIndex, membership: snapshot.membership };
      return true;
    }
    const from = Math.max(oldest, this.searchBelow - searchChunk);
    const entries = readAll(log, from, this.searchBelow);
    if (entries === 'loading') return false;
    const found = entries.findLast((entry) => entry.kind === 'membership');
    if (found) this.previous = { index: found.index, membership: decodeMembership(found.data) };
    this.searchBelow = from;
    return true;
  }
}

function readAll(log: LogView, from: number, to: number): readonly Entry[] | 'loading' {
  const entries: Entry[] = [];
  while (from + entries.length < to) {
    const next = log.slice(from + entries.length, to, Number.MAX_SAFE_INTEGER);
    if (next === 'loading') return 'loading';
    assert(next !== undefined && next.length > 0, 'the searched part of the log is there');
    entries.push(...next);
  }
  return entries;
}

function sameIds(a: readonly ServerId[], b: readonly ServerId[]): boolean {
  return a.length === b.length && a.every((id) => b.includes(id));
}

function isIdList(value: unknown): value is readonly ServerId[] {
  return Array.isArray(value) && value.every((id) => typeof id === 'string');
}

/** Sorted throughout and with the addresses of members only, so that equal memberships are equal bytes. */
function canonical(membership: Membership): Membership {
  const { voters, outgoing, learners, addresses } = membership;
  const known = memberIds(membership).filter((id) => addresses[id] !== undefined);
  return {
    voters: [...voters].sort(),
    outgoing: outgoing === null ? null : [...outgoing].sort(),
    learners: [...learners].sort(),
    addresses: Object.fromEntries(known.map((id) => [id, addresses[id]!])),
  };
}
