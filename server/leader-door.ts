/**
 * The way to the leader, wherever a request comes in. Not the leader? It is passed on, once. No leader? It is held and
 * tried again for a while, since most elections are over within two seconds.
 */
import { type ErrorCode, ExpectedError, isExpected } from '../proto/errors.ts';
import type { Clock, Timer } from '../proto/ports.ts';
import type { ServerId } from '../proto/raft.ts';
import type { Rpc, RpcPeer } from '../proto/rpc.ts';
import type { Consensus } from './consensus.ts';

export interface LeaderDoorPorts {
  readonly id: ServerId;
  readonly clock: Clock;
  /** Null while this server is in no cluster. */
  consensus(): Consensus | null;
  rpc(server: ServerId): Rpc;
}

/** Consul's rpc_hold_timeout. */
export const holdMs = 7_000;
/** Between two attempts, unless the standing changes before. */
const retryMs = 100;

/** This attempt surely did nothing. */
const notDone: readonly ErrorCode[] = ['NOT_LEADER', 'NO_LEADER'];
/** Done or not: only what has no second effect is tried again. */
const unknown: readonly ErrorCode[] = ['OUTCOME_UNKNOWN', 'CONNECTION_LOST', 'TIMEOUT', 'STOPPING'];
/** Said before anything reached the log: it takes nothing back of what an earlier attempt may have done. */
const beforeTheLog: readonly ErrorCode[] = [...notDone, ...unknown, 'BUSY', 'CANNOT_WRITE'];

export interface LeaderWork<T> {
  readonly peer: RpcPeer;
  /** What it changes: nothing (a read), something once however often it is asked (a journal, a key), or something each time. */
  readonly effect: 'none' | 'once' | 'each';
  /** On this server, which leads. May still reject with NOT_LEADER. */
  here(consensus: Consensus): Promise<T>;
  /** At the server that leads. */
  there(leader: Rpc, timeoutMs: number): Promise<T>;
}

export class LeaderDoor {
  readonly #ports: LeaderDoorPorts;
  readonly #holdMs: number;

  constructor(ports: LeaderDoorPorts, hold: number = holdMs) {
    this.#ports = ports;
    this.#holdMs = hold;
  }

  /** Rejects with NO_LEADER after the hold, OUTCOME_UNKNOWN, or what the work itself rejects with. */
  async run<T>(work: LeaderWork<T>): Promise<T> {
    const { clock } = this.#ports;
    const deadlineMs = clock.nowMs() + this.#holdMs;
    let mayBeDone = false;
    for (;;) {
      const result = await this.#attempt(work, deadlineMs).then(
        (value) => ({ value }),
        (error: unknown) => ({ error }),
      );
      if ('value' in result) return result.value;
      const { error } = result;
      // Whoever passed it on holds it, too: it is told at once.
      if (this.#wasPassedOn(work.peer) || !isExpected(error)) throw error;
      const isUnknown = unknown.includes(error.code);
      mayBeDone ||= isUnknown && work.effect !== 'none';
      const mayRepeat =
        notDone.includes(error.code) || this.#leaderFailed(error) || (isUnknown && work.effect !== 'each');
      if (!mayRepeat || clock.nowMs() + retryMs > deadlineMs) throw finalOf(error, mayBeDone);
      await this.#standingOr(retryMs);
    }
  }

  #attempt<T>(work: LeaderWork<T>, deadlineMs: number): Promise<T> {
    const consensus = this.#ports.consensus();
    if (consensus === null) return Promise.reject(new ExpectedError('NO_LEADER'));
    const { halted, standing } = consensus.replica;
    if (halted !== null) return Promise.reject(halted);
    if (standing.leader === this.#ports.id) return work.here(consensus);
    if (this.#wasPassedOn(work.peer)) {
      return Promise.reject(
        new ExpectedError('NOT_LEADER', undefined, { data: { leader: standing.leader } }),
      );
    }
    if (standing.leader === null) return Promise.reject(new ExpectedError('NO_LEADER'));
    const timeoutMs = Math.max(retryMs, deadlineMs - this.#ports.clock.nowMs());
    return work.there(this.#ports.rpc(standing.leader), timeoutMs);
  }

  /** The leader has just lost its disk and leads no longer: nothing was written, and the others will elect another one. */
  #leaderFailed(error: ExpectedError): boolean {
    return error.code === 'CANNOT_WRITE' && this.#ports.consensus()?.replica.halted === null;
  }

  #wasPassedOn(peer: RpcPeer): boolean {
    return peer.kind === 'server' && peer.nodeId !== this.#ports.id;
  }

  #standingOr(timeoutMs: number): Promise<void> {
    const replica = this.#ports.consensus()?.replica;
    return new Promise((resolve) => {
      let timer: Timer | null = null;
      const settle = () => {
        timer?.cancel();
        stopListening?.();
        resolve();
      };
      timer = this.#ports.clock.after(timeoutMs, settle);
      const stopListening = replica?.onStanding(settle);
    });
  }
}

/** A client knows no NOT_LEADER: to it there is none. And no later refusal makes undone what may have been done before. */
function finalOf(error: ExpectedError, mayBeDone: boolean): ExpectedError {
  if (!beforeTheLog.includes(error.code)) return error;
  if (mayBeDone) return new ExpectedError('OUTCOME_UNKNOWN', undefined, { cause: error });
  return error.code === 'NOT_LEADER' || unknown.includes(error.code)
    ? new ExpectedError('NO_LEADER', undefined, { cause: error })
    : error;
}
