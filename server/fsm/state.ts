/** Everything that the log decides: what a snapshot holds and what two servers at the same index have in common. */
import type { ServerId } from '../../proto/raft.ts';
import { Catalog } from '../catalog/catalog.ts';
import { Cursors } from '../cursors.ts';
import type { Gap } from '../gaps.ts';
import { Sessions } from '../sessions.ts';
import type { StateBuilder } from './snapshot.ts';

/** The event log as the state machine counts it; the events themselves are in `server/event-log.ts`. */
export interface EventCount {
  /** Offsets belong to a log id. */
  logId: string;
  /** First offset that retention keeps; everything before may be gone. */
  first: number;
  /** 0 before the first event. */
  last: number;
  /** Numbers between `first` and `last` that no event has; ascending. Replaced whole, never changed in place. */
  gaps: readonly Gap[];
  /** Time of the newest command, Unix milliseconds: no later one counts as earlier. */
  timeMs: number;
}

/** A server of the membership as the state machine last saw it. */
export interface KnownServer {
  /** `host:port` of its RPC. */
  readonly address: string;
  readonly voter: boolean;
}

/** How the newest life of a node ended, so that late evidence can refer to it and time can run until it is forgotten. */
export interface Ending {
  readonly life: number;
  /** Offset of the `node.failed` or `node.left` event. */
  readonly offset: number;
  readonly timeMs: number;
}

/** A snapshot that is on its way back, see `restore.ts`. */
export interface Restoring {
  readonly id: string;
  /** Pieces that have come. */
  pieces: number;
  /** Time of the newest one, Unix milliseconds. */
  timeMs: number;
  readonly taken: StateBuilder;
}

export interface State {
  catalog: Catalog;
  sessions: Sessions;
  cursors: Cursors;
  readonly servers: Map<ServerId, KnownServer>;
  /** By name of the node. */
  endings: Map<string, Ending>;
  readonly events: EventCount;
  /** Servers that an operator removed and that are not taken in again by themselves; oldest first. */
  readonly barred: Set<ServerId>;
  /** Every server can apply commands up to this level; it never falls. */
  level: number;
  restoring: Restoring | null;
  /** Id of the restore that took effect last; '' before the first. */
  restored: string;
  /** Newest term for which a `leader.elected` was written. */
  electedTerm: number;
  /** Last entry that was applied. */
  index: number;
  term: number;
}

export function emptyState(logId: string): State {
  return {
    catalog: new Catalog(),
    sessions: new Sessions(),
    cursors: new Cursors(),
    servers: new Map(),
    endings: new Map(),
    events: { logId, first: 1, last: 0, gaps: [], timeMs: 0 },
    barred: new Set(),
    level: 1,
    restoring: null,
    restored: '',
    electedTerm: 0,
    index: 0,
    term: 0,
  };
}
