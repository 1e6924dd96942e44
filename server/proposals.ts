/**
 * Commands on their way into the log. Everything that comes while the leader's disk is busy goes with its next write:
 * the disk decides how many writes there are a second, and the load how many commands are in each.
 *
 * How a proposal may end: applied (with what came of it); surely not (not the leader, too many waiting); or unknown,
 * when leadership was lost with the entry under way: it may be committed yet.
 */
import { encode } from '../proto/codec.ts';
import { ExpectedError } from '../proto/errors.ts';
import type { Entry, ServerId } from '../proto/raft.ts';
import type { Command } from '../proto/schema/command.ts';
import type { Outcome } from './fsm/outcome.ts';

/** Commands that wait for the log or for being applied; beyond it the answer is BUSY. */
export const proposalsMax = 20_000;
/** One command, encoded. A full comparison of an agent with thousands of checks is the largest there is. */
export const commandBytesMax = 8 * 1024 * 1024;

interface Waiting {
  readonly data: Uint8Array;
  resolve(outcome: Outcome): void;
  reject(error: ExpectedError): void;
}

interface Placed extends Waiting {
  readonly term: number;
}

/** What the leader says to a batch. */
export type Placement =
  | { readonly index: number; readonly term: number }
  | { readonly refused: string; readonly leader: ServerId | null };

export class Proposals {
  #queue: Waiting[] = [];
  readonly #placed = new Map<number, Placed>();
  #lastTimeMs = 0;

  /** Commands that wait for the log. */
  get queued(): number {
    return this.#queue.length;
  }

  /**
   * `timeMs` is the leader's wall clock; a clock that was set back does not take the commands back. Rejects with BUSY, or
   * with TOO_LARGE beyond `bytesMax`.
   */
  add(given: Command, bytesMax: number = commandBytesMax): Promise<Outcome> {
    if (this.#queue.length + this.#placed.size >= proposalsMax) {
      return Promise.reject(new ExpectedError('BUSY', `${proposalsMax} writes are waiting at the leader`));
    }
    this.#lastTimeMs = Math.max(this.#lastTimeMs, given.timeMs);
    const command = { ...given, timeMs: this.#lastTimeMs };
    return new Promise((resolve, reject) => {
      const data = encode(command, { bytesMax });
      this.#queue.push({ data, resolve, reject });
    });
  }

  /** Hands everything that waits to the leader, as one batch. */
  place(propose: (data: readonly Uint8Array[]) => Placement): void {
    if (this.#queue.length === 0) return;
    const batch = this.#queue;
    this.#queue = [];
    const placement = propose(batch.map(({ data }) => data));
    if ('refused' in placement) {
      const error = refusalOf(placement.refused, placement.leader);
      for (const waiting of batch) waiting.reject(error);
      return;
    }
    for (const [i, waiting] of batch.entries()) {
      this.#placed.set(placement.index + i, { ...waiting, term: placement.term });
    }
  }

  /** The state machine has applied this entry. */
  applied(entry: Entry, outcome: Outcome | null): void {
    const placed = this.#placed.get(entry.index);
    if (placed === undefined) return;
    this.#placed.delete(entry.index);
    if (placed.term !== entry.term || outcome === null) {
      // Another leader's entry took the place, so ours is in no log any more.
      placed.reject(refusalOf('notLeader', null));
    } else if (outcome.refused !== null) {
      placed.reject(new ExpectedError(outcome.refused.code, outcome.refused.message));
    } else placed.resolve(outcome);
  }

  /** This server leads no longer. What was placed may be committed by the next leader, or not. */
  leadershipLost(leader: ServerId | null): void {
    this.#reject(refusalOf('notLeader', leader), new ExpectedError('OUTCOME_UNKNOWN'));
  }

  /** Nothing will be appended or applied here any more. */
  stop(error: ExpectedError): void {
    this.#reject(
      error,
      new ExpectedError('OUTCOME_UNKNOWN', `${error.message}; the write may have happened`),
    );
  }

  #reject(queued: ExpectedError, placed: ExpectedError): void {
    const queue = this.#queue;
    const open = [...this.#placed.values()];
    this.#queue = [];
    this.#placed.clear();
    for (const waiting of queue) waiting.reject(queued);
    for (const waiting of open) waiting.reject(placed);
  }
}

function refusalOf(reason: string, leader: ServerId | null): ExpectedError {
  if (reason === 'full') return new ExpectedError('BUSY', 'the servers do not keep up with the writes');
  return new ExpectedError('NOT_LEADER', undefined, { data: { leader } });
}
