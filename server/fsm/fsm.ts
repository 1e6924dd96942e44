/**
 * The state machine: one committed entry in, changes of the catalog and events out. It reads no clock, draws no
 * number and asks nobody, so every server computes the same rows and the same offsets from the same log.
 */
import { assert } from '../../proto/assert.ts';
import { decode } from '../../proto/codec.ts';
import type { Entry, Membership } from '../../proto/raft.ts';
import type { HealthEvent } from '../../proto/schema/event.ts';
import type { Gap } from '../gaps.ts';
import { Change } from './change.ts';
import { applyBody, decodeCommand } from './commands.ts';
import type { Effect, Outcome } from './outcome.ts';
import { forgetIdleRestore } from './restore.ts';
import { applyMembership } from './servers.ts';
import type { State } from './state.ts';
import { emptyState } from './state.ts';

/** What applying one entry gave. */
export interface Applied {
  /** Null for an entry that carries no command. */
  readonly outcome: Outcome | null;
  /** New events in order; their offsets go on where the last ones ended. */
  readonly events: readonly HealthEvent[];
  /** Everything before this offset may be deleted now; null: as before. */
  readonly firstKept: number | null;
  /** Numbers that were passed over before these events; null for almost every entry. */
  readonly gap: Gap | null;
}

/** How a cluster begins: the same for all servers, since all of them took the same seed. */
export interface Origin {
  readonly logId: string;
  readonly membership: Membership;
}

const nothing: Applied = { outcome: null, events: [], firstKept: null, gap: null };

export class Fsm {
  #state: State;

  constructor(origin: Origin) {
    this.#state = emptyState(origin.logId);
    const { voters, addresses } = origin.membership;
    for (const id of [...voters].sort()) {
      this.#state.servers.set(id, { address: addresses[id] ?? '', voter: true });
    }
  }

  /** What the log has decided so far. Only `apply` and `replace` change it. */
  get state(): Readonly<State> {
    return this.#state;
  }

  /** Takes over the state of a snapshot. */
  replace(state: State): void {
    this.#state = state;
  }

  /** Throws PROTOCOL, and changes nothing, at a command that this server does not know. */
  apply(entry: Entry): Applied {
    const state = this.#state;
    assert(entry.index === state.index + 1, () => `entry ${entry.index} after ${state.index}`);
    const applied = this.#applyKind(entry);
    state.index = entry.index;
    state.term = entry.term;
    return applied;
  }

  #applyKind(entry: Entry): Applied {
    switch (entry.kind) {
      case 'noop':
        return nothing;
      case 'membership': {
        const change = new Change(this.#state, entry.index, this.#state.events.timeMs);
        applyMembership(change, decode(entry.data) as Membership);
        return { ...nothing, events: change.events };
      }
      case 'command':
        return this.#applyCommand(entry);
    }
  }

  #applyCommand(entry: Entry): Applied {
    const state = this.#state;
    const { timeMs, once, body } = decodeCommand(entry.data, entry.index);
    // A leader with a slow clock takes over: its events still do not lie before those of the last one.
    state.events.timeMs = Math.max(state.events.timeMs, timeMs);
    forgetIdleRestore(state, state.events.timeMs);
    const before = once === null ? undefined : state.sessions.find(once, state.events.timeMs);
    if (before !== undefined) return { ...nothing, outcome: before };
    const change = new Change(state, entry.index, state.events.timeMs);
    const outcome = outcomeOf(applyBody(change, body), entry.index, state.events.last);
    if (once !== null) state.sessions.keep({ once, timeMs: state.events.timeMs, outcome });
    const { events, firstKept, gap } = change;
    return { outcome, events, firstKept, gap };
  }
}

function outcomeOf(effect: Effect, index: number, offset: number): Outcome {
  return { index, offset, refused: null, revision: 0, repairs: 0, ...effect };
}
