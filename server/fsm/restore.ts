/**
 * A snapshot comes back through the log, piece by piece, and takes effect with one entry or not at all:
 *
 *     begin ──▶ piece 1 ──▶ piece 2 ──▶ … ──▶ finish: the catalog is the restored one
 *
 * The pieces gather beside the state, as records of it, so they survive a change of leader, a restart and a snapshot that
 * is taken meanwhile. One restore at a time: a later `begin` takes the place of an earlier one, and what nobody goes on
 * with is forgotten.
 */
import { decode } from '../../proto/codec.ts';
import type { Body, Change } from './change.ts';
import type { Effect } from './outcome.ts';
import { refuse } from './outcome.ts';
import { replaceCatalog } from './replace-catalog.ts';
import { StateBuilder, type StateRecord } from './snapshot.ts';
import type { State } from './state.ts';

/** A restore that nobody goes on with for so long, in the time of the commands, is forgotten. */
export const restoreIdleMs = 10 * 60 * 1000;

/** The one who began it knows the id: a begin that comes twice changes nothing. */
export function applyRestoreBegin({ state, timeMs }: Change, { id }: Body<'restore.begin'>): Effect {
  if (state.restoring?.id === id || state.restored === id) return {};
  state.restoring = { id, pieces: 0, timeMs, taken: new StateBuilder() };
  return {};
}

/** Pieces come in order; one that comes again is passed over. */
export function applyRestorePiece({ state, timeMs }: Change, body: Body<'restore.piece'>): Effect {
  const { restoring } = state;
  if (state.restored === body.id) return {};
  if (restoring?.id !== body.id) return abandoned;
  if (body.number > restoring.pieces + 1) {
    return refuse('BAD_REQUEST', `piece ${restoring.pieces + 1} of the snapshot is missing`);
  }
  if (body.number <= restoring.pieces) return {};
  for (const record of decode(body.records) as StateRecord[]) restoring.taken.add(record);
  restoring.pieces = body.number;
  restoring.timeMs = timeMs;
  return {};
}

/** All of it is there: from this entry on the catalog is the restored one. */
export function applyRestoreFinish(change: Change, body: Body<'restore.finish'>): Effect {
  const { state } = change;
  if (state.restored === body.id) return {};
  const { restoring } = state;
  if (restoring?.id !== body.id) return abandoned;
  if (restoring.pieces !== body.pieces || restoring.taken.state === null) {
    return refuse('BAD_REQUEST', `${restoring.pieces} of ${body.pieces} pieces of the snapshot have come`);
  }
  replaceCatalog(change, restoring.taken.finish());
  state.restoring = null;
  state.restored = body.id;
  return {};
}

/** Forgets what nobody goes on with. Called with the time of each command, so all servers do it at the same entry. */
export function forgetIdleRestore(state: State, timeMs: number): void {
  if (state.restoring !== null && timeMs - state.restoring.timeMs > restoreIdleMs) state.restoring = null;
}

const abandoned = refuse('NOT_FOUND', 'this restore is over, or another one took its place: begin again');
