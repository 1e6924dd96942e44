/**
 * The log as Raft sees it: a stored part, which is read through the driver's view of the disk, and behind it a tail in
 * memory of what is not durable yet.
 *
 *     1 ………… applied ………… commit ………… last
 *     ├── stored part ──┤├── tail: handed to writes ──┤├── tail: not yet handed ──┤
 *                  storedIndex                  handedIndex                 lastIndex
 *
 * Writes end in the order in which they were taken. One that ends late vouches only for what no newer leader has cut
 * since: a cut lowers what every write under way may vouch for, so an entry that was cut and came back in
 * the same shape (A, B, A) counts as durable only when its last write is.
 */
import { assert } from '../../proto/assert.ts';
import type { Entry, HardState, SnapshotMeta } from '../../proto/raft.ts';
import type { LogView, Write } from './ready.ts';

/** What an entry takes beside its data, roughly, so that empty ones are not free. */
const entryOverheadBytes = 32;

export function sizeOf(entry: Pick<Entry, 'data'>): number {
  return entry.data.length + entryOverheadBytes;
}

interface PendingWrite {
  readonly token: number;
  readonly hardState: HardState | null;
  /** When it was handed out, in ticks. */
  readonly since: number;
  /** All entries up to here are durable when it ends; a cut in the meantime lowers it. */
  vouchesFor: number;
}

export class RaftLog {
  readonly view: LogView;
  /** Highest index that is known to be committed; never falls. */
  commit: number;
  /** What the state machine has applied; `applied <= delivered <= commit`. */
  applied: number;
  /** All entries up to here are on our disk. */
  storedIndex: number;
  /** Term of the entry there; kept, because the view may be about to show a snapshot instead. */
  private storedTerm: number;
  private delivered: number;
  private tail: Entry[] = [];
  private handedIndex: number;
  /** Lowest index from which written entries became void, until a write tells the disk. */
  private cutFrom: number | null = null;
  private readonly pending: PendingWrite[] = [];
  private lastToken = 0;

  constructor(view: LogView, committed: { commit: number; applied: number }) {
    this.view = view;
    this.storedIndex = view.lastIndex();
    this.storedTerm = this.term(this.storedIndex) ?? 0;
    this.handedIndex = this.storedIndex;
    this.commit = committed.commit;
    this.applied = committed.applied;
    this.delivered = committed.applied;
  }

  /** What a disk that lost nothing fulfils when it is opened. */
  assertSound(): void {
    assert(this.applied <= this.commit && this.commit <= this.lastIndex, 'applied <= commit <= last index');
    assert(this.applied >= this.view.firstIndex() - 1, 'no unapplied entry was compacted away');
    assert(this.term(this.lastIndex) !== undefined, 'the last entry has a term');
  }

  get lastIndex(): number {
    return this.storedIndex + this.tail.length;
  }

  get lastTerm(): number {
    return this.tail[this.tail.length - 1]?.term ?? this.storedTerm;
  }

  /** Undefined beyond the end and for what was compacted away. */
  term(index: number): number | undefined {
    if (index === 0) return 0;
    return index > this.storedIndex ? this.tail[index - this.storedIndex - 1]?.term : this.view.term(index);
  }

  /** Whether a log that ends with this entry is as complete as ours: last term first, then length (paper 5.4.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    if (lastTerm !== this.lastTerm) return lastTerm > this.lastTerm;
    return lastIndex >= this.lastIndex;
  }

  /** Last index, at most `index`, whose entry is not of a later term than `term`; stops where our knowledge ends. */
  lastIndexNotAfter(index: number, term: number): number {
    let found = Math.min(index, this.lastIndex);
    while (found > 0 && (this.term(found) ?? 0) > term) found--;
    return found;
  }

  /** As in `LogView`, over both parts; empty when `from` is beyond the end. */
  slice(from: number, to: number, bytesMax: number): readonly Entry[] | 'loading' | undefined {
    const end = Math.min(to, this.lastIndex + 1);
    if (from >= end) return [];
    if (from > this.storedIndex) return this.sliceTail(from, end, bytesMax);
    const stored = this.view.slice(from, Math.min(end, this.storedIndex + 1), bytesMax);
    if (stored === undefined || stored === 'loading') return stored;
    const next = from + stored.length;
    if (next <= this.storedIndex || next >= end) return stored;
    const bytesLeft = bytesMax - stored.reduce((sum, entry) => sum + sizeOf(entry), 0);
    if (sizeOf(this.tail[0]!) > bytesLeft) return stored;
    return [...stored, ...this.sliceTail(next, end, bytesLeft)];
  }

  append(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, () => `entry ${entry.index} follows ${this.lastIndex}`);
    assert(entry.term >= this.lastTerm, 'terms never fall along the log');
    this.tail.push(entry);
  }

  /** Drops everything from `index` on, because the leader of a newer term has something else there. */
  cut(index: number): void {
    assert(index > this.commit, `entry ${index} is committed and stays`);
    assert(index <= this.lastIndex, 'there is something to cut');
    this.tail.length = Math.max(0, index - this.storedIndex - 1);
    if (index <= this.storedIndex) {
      const term = this.term(index - 1);
      assert(term !== undefined, 'what is before a cut is known');
      this.storedIndex = index - 1;
      this.storedTerm = term;
    }
    if (index > this.handedIndex) return;
    this.handedIndex = index - 1;
    this.cutFrom = Math.min(this.cutFrom ?? index, index);
    for (const write of this.pending) write.vouchesFor = Math.min(write.vouchesFor, index - 1);
  }

  commitTo(index: number): void {
    if (index <= this.commit) return;
    assert(index <= this.lastIndex, `commit ${index} is within the log, which ends at ${this.lastIndex}`);
    this.commit = index;
  }

  get hasUnwritten(): boolean {
    return this.handedIndex < this.lastIndex || this.cutFrom !== null;
  }

  /** Everything that was not handed out yet, as one write. */
  takeWrite(hardState: HardState | null, nowTicks: number): Write {
    const entries = this.tail.slice(this.handedIndex - this.storedIndex);
    const write = { token: ++this.lastToken, cutFrom: this.cutFrom, entries, hardState };
    this.handedIndex = this.lastIndex;
    this.cutFrom = null;
    this.pending.push({ token: write.token, hardState, since: nowTicks, vouchesFor: this.handedIndex });
    return write;
  }

  /** The write with this token, and all before it, are durable. Returns the newest term and vote among them. */
  stored(token: number): HardState | null {
    assert(token <= this.lastToken, `token ${token} was handed out`);
    let newest: HardState | null = null;
    while (this.pending[0] !== undefined && this.pending[0].token <= token) {
      const write = this.pending.shift()!;
      newest = write.hardState ?? newest;
      if (write.vouchesFor <= this.storedIndex) continue;
      const stored = this.tail.splice(0, write.vouchesFor - this.storedIndex);
      this.storedTerm = stored[stored.length - 1]!.term;
      this.storedIndex = write.vouchesFor;
    }
    return newest;
  }

  /** Whether a write that was handed out is not durable yet. */
  get hasPendingWrite(): boolean {
    return this.pending.length > 0;
  }

  /** Ticks since the oldest write that is still under way was handed out; 0 when none is. */
  oldestWriteAge(nowTicks: number): number {
    return this.pending[0] === undefined ? 0 : nowTicks - this.pending[0].since;
  }

  /**
   * The next entries for the state machine; empty while the batch before is being applied. Only what is on our own
   * disk too, so that a snapshot of the state never runs ahead of the log.
   */
  takeCommitted(bytesMax: number): readonly Entry[] {
    if (this.delivered > this.applied) return [];
    const entries = this.slice(this.delivered + 1, Math.min(this.commit, this.storedIndex) + 1, bytesMax);
    if (entries === 'loading') return [];
    assert(entries !== undefined, 'what is not applied is not compacted away');
    this.delivered += entries.length;
    return entries;
  }

  appliedTo(index: number): void {
    assert(index <= this.delivered, `entry ${index} was handed to the state machine`);
    this.applied = Math.max(this.applied, index);
  }

  /** A snapshot took the place of the whole log, on disk already. */
  reset(meta: SnapshotMeta): void {
    assert(meta.index > this.commit, 'a snapshot never takes the log back');
    assert(!this.hasUnwritten, 'what was accepted before the snapshot was handed to the disk');
    assert(this.view.term(meta.index) === meta.term, 'the disk holds the snapshot');
    for (const write of this.pending) write.vouchesFor = 0;
    this.tail = [];
    this.storedIndex = meta.index;
    this.storedTerm = meta.term;
    this.handedIndex = meta.index;
    this.commit = meta.index;
    this.applied = meta.index;
    this.delivered = meta.index;
  }

  /** The part of the tail from `from` to before `to`, at least one entry, within `bytesMax`. */
  private sliceTail(from: number, to: number, bytesMax: number): readonly Entry[] {
    const start = from - this.storedIndex - 1;
    const limit = to - this.storedIndex - 1;
    let end = start;
    for (let bytes = 0; end < limit; end++) {
      bytes += sizeOf(this.tail[end]!);
      if (bytes > bytesMax && end > start) break;
    }
    return this.tail.slice(start, end);
  }
}
