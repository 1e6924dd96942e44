/** Commands about the servers themselves: who leads, what the event log keeps, how far named readers have come. */
import { cursorsMax } from '../cursors.ts';
import { behindGap } from '../gaps.ts';
import type { Body, Change } from './change.ts';
import type { Effect } from './outcome.ts';
import { refuse } from './outcome.ts';

/** One event a term, however often the new leader had to say it. */
export function applyLeaderElected(change: Change, body: Body<'leader.elected'>): Effect {
  if (body.term <= change.state.electedTerm) return {};
  change.state.electedTerm = body.term;
  const life = change.catalog.node(body.node)?.life ?? 0;
  change.emit({
    Kind: 'leader.elected',
    Node: body.node,
    Cause: 'raft',
    Life: life,
    Evidence: { NodeId: body.nodeId, Term: body.term },
  });
  return {};
}

/** The kept range only shrinks, and never beyond what was written. */
export function applyTrim(change: Change, body: Body<'events.trim'>): Effect {
  const { events } = change.state;
  const first = behindGap(events.gaps, Math.min(body.firstKept, events.last + 1));
  if (first <= events.first) return {};
  events.first = first;
  events.gaps = events.gaps.filter(({ to }) => to >= first);
  change.firstKept = first;
  return {};
}

/** Numbers that other servers may have given before they were lost: see `recover.ts`. */
export function applySkip(change: Change, body: Body<'events.skip'>): Effect {
  if (body.to > change.state.events.last) change.skip(body.to, body.reason);
  return {};
}

/** A cursor never goes back by itself, so that an acknowledgement that comes late does no harm. */
export function applyCursorPut(change: Change, body: Body<'cursor.put'>): Effect {
  const { cursors, events } = change.state;
  const known = cursors.find(body.name, body.share);
  if (known === undefined && cursors.size >= cursorsMax) {
    return refuse('BUSY', `there are ${cursorsMax} cursors already; remove one first`);
  }
  if (body.offset > events.last) {
    return refuse('OFFSET_FUTURE', `offset ${body.offset} lies beyond the last event, ${events.last}`);
  }
  if (known === undefined || known.offset < body.offset) {
    cursors.put({ name: body.name, share: body.share, offset: body.offset });
  }
  return {};
}

export function applyCursorRemove(change: Change, body: Body<'cursor.remove'>): Effect {
  change.state.cursors.remove(body.name);
  return {};
}
