/** Limits of the core, each with its unit and default. Times are ticks; the driver decides how long a tick is (100 ms). */
import { assert } from '../../proto/assert.ts';

export interface RaftLimits {
  /** Shortest time without a leader before a server campaigns; drawn anew from [T, 2T). Default 10 ticks. */
  readonly electionTicks: number;
  /** Time between two heartbeats of a leader. Default 1 tick. */
  readonly heartbeatTicks: number;
  /**
   * How long a confirmed round of heartbeats lets the leader answer lease reads, counted from the moment it was sent.
   * Default half the election timeout; never more, or clocks that drift could let two leaders answer.
   */
  readonly leaseTicks: number;
  /** Bytes of entries in one append; a single larger entry still goes alone. Default 1 MiB. */
  readonly appendBytesMax: number;
  /** Appends on their way to one follower. When reached, it gets no more until it answers. Default 256. */
  readonly inflightMax: number;
  /** Bytes of entries on their way to one follower. Default 8 MiB. */
  readonly inflightBytesMax: number;
  /** Bytes of a leader's entries that are not yet both committed and durable here. Beyond it, proposals are refused as `full`. Default 64 MiB. */
  readonly uncommittedBytesMax: number;
  /** Bytes of committed entries in one batch for the state machine. Default 4 MiB. */
  readonly applyBytesMax: number;
  /** Reads that wait for an answer. Beyond it, they fail at once. Default 100,000. */
  readonly readsMax: number;
  /** After this time a follower that is still being filled is offered the newest snapshot instead. Default 600 ticks. */
  readonly snapshotTicks: number;
}

const defaults = {
  electionTicks: 10,
  heartbeatTicks: 1,
  appendBytesMax: 1024 * 1024,
  inflightMax: 256,
  inflightBytesMax: 8 * 1024 * 1024,
  uncommittedBytesMax: 64 * 1024 * 1024,
  applyBytesMax: 4 * 1024 * 1024,
  readsMax: 100_000,
  snapshotTicks: 600,
};

export function completeLimits(given: Partial<RaftLimits> = {}): RaftLimits {
  const base = { ...defaults, ...given };
  const limits = { ...base, leaseTicks: given.leaseTicks ?? Math.floor(base.electionTicks / 2) };
  for (const [name, value] of Object.entries(limits)) {
    assert(Number.isSafeInteger(value) && value >= 0, `limit ${name} is a whole number`);
  }
  assert(limits.heartbeatTicks >= 1, 'heartbeatTicks is at least 1');
  assert(limits.electionTicks > limits.heartbeatTicks, 'electionTicks is larger than heartbeatTicks');
  assert(limits.leaseTicks * 2 <= limits.electionTicks, 'leaseTicks is at most half of electionTicks');
  assert(limits.inflightMax >= 1, 'inflightMax is at least 1');
  return limits;
}
