/**
 * The leader's picture of one follower: what it has, what it gets next, and how fast.
 *
 *     probe ──── first acknowledgement ────▶ replicate      probe      one append, then wait for an answer
 *       ▲ ◀── refusal, unreachable ────────────┘            replicate  appends without waiting, within a window
 *       │                                                   snapshot   nothing but the offer of a snapshot
 *       └── failed, took too long ─ snapshot ◀── what it needs next was compacted away (from either)
 *
 * `match` only rises. `next` is an optimistic guess above it that a refusal takes back, never to `match` or below.
 */
import { assert } from '../../proto/assert.ts';
import type { ServerId, SnapshotMeta } from '../../proto/raft.ts';
import { InflightWindow } from './inflight.ts';
import type { RaftLimits } from './limits.ts';
import type { PeerStatus } from './ready.ts';

interface SnapshotOffered {
  readonly meta: SnapshotMeta;
  readonly sinceTicks: number;
  /** When the offer was last repeated. */
  repeatedTicks: number;
}

export interface ProgressStart {
  readonly id: ServerId;
  readonly session: number;
  readonly next: number;
  readonly nowTicks: number;
  readonly limits: Pick<RaftLimits, 'inflightMax' | 'inflightBytesMax'>;
}

export class Progress {
  readonly id: ServerId;
  /**
   * Index of the membership with which this picture began. It travels with every append and comes back in the answer,
   * so an answer from before a removal says nothing about the server that was added again under the same id.
   */
  readonly session: number;
  match = 0;
  next: number;
  state: PeerStatus['state'] = 'probe';
  /** Newest round of heartbeats that was answered. */
  round = 0;
  /** When anything was last heard from it. A new peer starts as heard, or adding one could end the leadership. */
  heardTicks: number;
  /** Highest commit index it was told, in whatever message. */
  toldCommit = 0;
  /** Set when it was removed: it is still told about that for a while, and counts for nothing. */
  removedTicks: number | null = null;
  /** A heartbeat was answered while appends are open: an empty append shall find out whether one was lost. */
  mayHaveLost = false;
  /** Its next entries are being read from disk. */
  loading = false;
  offered: SnapshotOffered | null = null;
  private waiting = false;
  private readonly window: InflightWindow;

  constructor({ id, session, next, nowTicks, limits }: ProgressStart) {
    this.id = id;
    this.session = session;
    this.next = next;
    this.heardTicks = nowTicks;
    this.window = new InflightWindow(limits.inflightMax, limits.inflightBytesMax);
  }

  /** Probing: whether the one append that is allowed is on its way. */
  get isWaiting(): boolean {
    return this.waiting;
  }

  get windowIsFull(): boolean {
    return this.window.isFull;
  }

  probe(next: number): void {
    assert(next > this.match, 'what is acknowledged is not sent again');
    this.state = 'probe';
    this.next = next;
    this.waiting = false;
    this.offered = null;
    this.window.clear();
  }

  replicate(): void {
    this.state = 'replicate';
    this.next = this.match + 1;
    this.waiting = false;
    this.offered = null;
    this.window.clear();
  }

  offerSnapshot(meta: SnapshotMeta, nowTicks: number): void {
    this.state = 'snapshot';
    this.offered = { meta, sinceTicks: nowTicks, repeatedTicks: nowTicks };
    this.window.clear();
  }

  /** Until the next answer of any kind nothing more is sent; for probes, and after a failure. */
  wait(): void {
    this.waiting = true;
  }

  resume(): void {
    this.waiting = false;
    this.loading = false;
  }

  /** Entries up to `lastIndex` are on their way. */
  sent(lastIndex: number, bytes: number): void {
    assert(this.state === 'replicate', 'only a replicating follower gets more than it answered');
    this.next = lastIndex + 1;
    this.window.add(lastIndex, bytes);
  }

  /** It holds everything up to `index`. Late acknowledgements change nothing. */
  acknowledge(index: number): void {
    if (index < this.match) return;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.window.freeTo(index);
  }

  /**
   * It refused an append behind `refusedIndex`; `suggestion` is where both logs may agree. False when the refusal is
   * older than what we know.
   */
  refused(refusedIndex: number, suggestion: number): boolean {
    if (this.state === 'snapshot' || refusedIndex <= this.match) return false;
    if (this.state === 'replicate') {
      this.probe(this.match + 1);
      return true;
    }
    if (refusedIndex !== this.next - 1) return false;
    this.probe(Math.max(this.match + 1, Math.min(refusedIndex, suggestion + 1)));
    return true;
  }
}
