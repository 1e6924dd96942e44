/**
 * Entries that are no longer in memory, read from the segments for followers that lag. Asked for the first time, a
 * stretch is `loading`; when it has been read, it is held for a while, because the one who asked comes again.
 */
import { isExpected } from '../proto/errors.ts';
import type { Entry } from '../proto/raft.ts';
import type { SegmentLog } from '../proto/store/segments.ts';
import { entryBytes, takeWithin } from './entry-cache.ts';
import { parseEntry, recordType } from './raft-records.ts';
import type { RaftReplay } from './raft-replay.ts';

/** Stretches held at once, the oldest goes first: more than there are followers that could lag. */
const runsMax = 8;
/** Bytes that are read at once, so that a follower far behind does not wait for the disk with every message. */
const runBytes = 4 * 1024 * 1024;
const recordsAtOnce = 1024;

type Run = readonly Entry[];

export class OlderEntries {
  readonly #log: SegmentLog;
  readonly #stored: RaftReplay;
  readonly #onLoaded: () => void;
  readonly #onFault: (error: unknown) => void;
  #runs: Run[] = [];
  readonly #loading = new Set<number>();
  /** What was read before entries became void does not count any more. */
  #era: number;

  constructor(
    log: SegmentLog,
    stored: RaftReplay,
    told: { onLoaded(): void; onFault(error: unknown): void },
  ) {
    this.#log = log;
    this.#stored = stored;
    this.#era = stored.era;
    this.#onLoaded = told.onLoaded;
    this.#onFault = told.onFault;
  }

  slice(from: number, to: number, bytesMax: number): readonly Entry[] | 'loading' {
    if (this.#era !== this.#stored.era) this.#forget();
    const run = this.#runs.find((held) => held[0]!.index <= from && from <= held.at(-1)!.index);
    if (run) {
      const start = from - run[0]!.index;
      return takeWithin(run, start, Math.min(run.length, start + to - from), bytesMax);
    }
    if (!this.#loading.has(from)) void this.#load(from);
    return 'loading';
  }

  #forget(): void {
    this.#era = this.#stored.era;
    this.#runs = [];
    this.#loading.clear();
  }

  async #load(from: number): Promise<void> {
    const { era } = this.#stored;
    this.#loading.add(from);
    try {
      const run = await this.#read(from);
      this.#loading.delete(from);
      if (era === this.#stored.era && run.length > 0) this.#runs.push(run);
      if (this.#runs.length > runsMax) this.#runs.shift();
    } catch (error) {
      this.#loading.delete(from);
      if (!isExpected(error, 'OFFSET_TRIMMED')) {
        this.#onFault(error);
        return;
      }
    }
    // Also when there is nothing to show, because it was cut or compacted meanwhile: the answer to the next
    // question is another one then.
    this.#onLoaded();
  }

  /**
   * Reads forward from the nearest mark. On the way lie entries that were cut later; they have another term than the
   * index knows for their place, since one term has one entry at an index.
   */
  async #read(from: number): Promise<Run> {
    const entries: Entry[] = [];
    let position = this.#stored.index.positionBefore(from)!;
    for (let bytes = 0; bytes < runBytes; ) {
      const records = await this.#log.read(position, recordsAtOnce, runBytes);
      if (records.length === 0) break;
      for (const record of records) {
        if (record.type !== recordType.entry) continue;
        const entry = parseEntry(record);
        if (entry.index !== from + entries.length || this.#stored.index.term(entry.index) !== entry.term)
          continue;
        entries.push(entry);
        bytes += entryBytes(entry);
      }
      position = records.at(-1)!.position + 1;
    }
    return entries;
  }
}
