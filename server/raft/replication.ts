/**
 * How entries and heartbeats reach the followers. Handlers of messages only change the pictures in `progress.ts`;
 * what can be sent is sent here, once a batch, so all proposals of one turn travel in one append.
 */
import { assert } from '../../proto/assert.ts';
import type { Leadership } from './leadership.ts';
import { sizeOf } from './log.ts';
import type { Progress } from './progress.ts';
import type { RaftState } from './state.ts';

/**
 * Bytes of entries in a probe. It asks whether both logs agree at a place, and is repeated while a follower is busy, for
 * instance with a snapshot; a full append would be wasted each time.
 */
const probeBytesMax = 64 * 1024;

/** Gives every follower what its state allows now. */
export function replicate(state: RaftState, leadership: Leadership): void {
  for (const peer of leadership.peers) {
    if (peer.loading) continue;
    if (peer.state === 'probe') probe(state, peer);
    else if (peer.state === 'replicate') stream(state, peer);
  }
}

/** A numbered round to everybody: says that we lead, asks who still follows, and tells what is committed. */
export function sendHeartbeats(state: RaftState, leadership: Leadership): void {
  const round = leadership.reads.startRound(state.ticks);
  for (const peer of leadership.peers) {
    // Only what it is known to have: behind that, its log may hold something else.
    const commit = Math.min(peer.match, state.log.commit);
    peer.toldCommit = Math.max(peer.toldCommit, commit);
    state.send({ type: 'heartbeat', to: peer.id, commit, round });
  }
}

/** Followers that are being filled and may have missed the offer get it again; one that takes too long, a newer one. */
export function repeatOffers(state: RaftState, leadership: Leadership): void {
  for (const peer of leadership.peers) {
    const { offered } = peer;
    if (offered === null) continue;
    if (state.ticks - offered.sinceTicks >= state.limits.snapshotTicks) {
      peer.probe(peer.match + 1);
    } else if (state.ticks - offered.repeatedTicks >= state.limits.electionTicks) {
      offered.repeatedTicks = state.ticks;
      state.send({ type: 'snapshot', to: peer.id, meta: offered.meta, session: peer.session });
    }
  }
}

function probe(state: RaftState, peer: Progress): void {
  if (peer.isWaiting) return;
  // Empty is fine: the answer tells where the follower stands.
  if (sendAppend(state, peer, Math.min(state.limits.appendBytesMax, probeBytesMax))) peer.wait();
}

/**
 * News of a commit alone are sent while nothing else is under way. During a write of our own they wait: what was proposed
 * meanwhile follows at its end and brings them along, for half the messages under load; a heartbeat brings them anyway.
 */
function stream(state: RaftState, peer: Progress): void {
  const { log } = state;
  let sent = false;
  while (peer.state === 'replicate' && peer.next <= log.lastIndex && !peer.windowIsFull) {
    if (!sendAppend(state, peer, state.limits.appendBytesMax)) return;
    sent = true;
  }
  const mayTellCommit = !peer.windowIsFull && !log.hasPendingWrite && log.commit > peer.toldCommit;
  if (!sent && (peer.mayHaveLost || mayTellCommit)) sendAppend(state, peer, 0);
  peer.mayHaveLost = false;
}

/** One append from `next` on, empty when `bytesMax` is 0. False when something else has to happen first. */
function sendAppend(state: RaftState, peer: Progress, bytesMax: number): boolean {
  const { log } = state;
  const prevIndex = peer.next - 1;
  const prevTerm = log.term(prevIndex);
  const entries = bytesMax === 0 ? [] : log.slice(peer.next, log.lastIndex + 1, bytesMax);
  if (prevTerm === undefined || entries === undefined) {
    offerSnapshot(state, peer);
    return false;
  }
  if (entries === 'loading') {
    peer.loading = true;
    return false;
  }
  const { id: to, session } = peer;
  state.send({ type: 'append', to, prevIndex, prevTerm, entries, commit: log.commit, session });
  peer.toldCommit = Math.max(peer.toldCommit, Math.min(log.commit, prevIndex + entries.length));
  const last = entries[entries.length - 1];
  if (peer.state === 'replicate' && last !== undefined) {
    peer.sent(
      last.index,
      entries.reduce((sum, entry) => sum + sizeOf(entry), 0),
    );
  }
  return true;
}

/** What the follower needs next was compacted away. Whoever is silent or removed is not worth a snapshot. */
function offerSnapshot(state: RaftState, peer: Progress): void {
  const silentTicks = state.ticks - peer.heardTicks;
  if (silentTicks >= state.limits.electionTicks || peer.removedTicks !== null) {
    peer.wait();
    return;
  }
  const meta = state.log.view.snapshot();
  assert(meta !== undefined, 'what was compacted away is in a snapshot');
  peer.offerSnapshot(meta, state.ticks);
  state.send({ type: 'snapshot', to: peer.id, meta, session: peer.session });
}
