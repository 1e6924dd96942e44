/**
 * Which entries the Raft log holds, without the entries: the range, the term of each (as runs, since terms change
 * rarely) and the place of every 64th.
 *
 *     base │ first ……………… last         base is the entry before the first: its term may be known, it is not there
 */
import { assert } from '../proto/assert.ts';

interface Run {
  readonly from: number;
  readonly term: number;
}

interface Mark {
  readonly index: number;
  /** Position of the entry's record in the segment log. */
  readonly position: number;
}

const markStride = 64;

export class RaftIndex {
  #first = 1;
  #last = 0;
  #baseTerm: number | undefined = 0;
  readonly #runs: Run[] = [];
  readonly #marks: Mark[] = [];

  get first(): number {
    return this.#first;
  }

  /** `first - 1` when there are no entries. */
  get last(): number {
    return this.#last;
  }

  /** Of an entry, or of the one before the first when it is known. */
  term(index: number): number | undefined {
    if (index === this.#first - 1) return this.#baseTerm;
    if (index < this.#first || index > this.#last) return undefined;
    return lastAtMost(this.#runs, index, (run) => run.from)?.term;
  }

  /** A position from which reading forward meets the entry; undefined when there are no entries. */
  positionBefore(index: number): number | undefined {
    return (lastAtMost(this.#marks, index, (mark) => mark.index) ?? this.#marks[0])?.position;
  }

  append(index: number, term: number, position: number): void {
    assert(index === this.#last + 1, () => `entry ${index} follows ${this.#last}`);
    assert(term >= (this.#runs.at(-1)?.term ?? this.#baseTerm ?? 0), 'terms never fall along the log');
    if (this.#runs.at(-1)?.term !== term) this.#runs.push({ from: index, term });
    if (this.#marks.length === 0 || index % markStride === 0) this.#marks.push({ index, position });
    this.#last = index;
  }

  /** Everything from `from` on is void. */
  cut(from: number): void {
    if (from > this.#last) return;
    while ((this.#runs.at(-1)?.from ?? 0) >= from) this.#runs.pop();
    while ((this.#marks.at(-1)?.index ?? 0) >= from) this.#marks.pop();
    this.#last = from - 1;
    if (from >= this.#first) return;
    this.#first = from;
    this.#baseTerm = undefined;
  }

  /** Nothing is left but what lies behind `index`. */
  reset(index: number, term: number | undefined): void {
    this.#runs.length = 0;
    this.#marks.length = 0;
    this.#first = index + 1;
    this.#last = index;
    this.#baseTerm = term;
  }

  /** Forgets what lies before `first`. */
  compact(first: number): void {
    if (first <= this.#first) return;
    const baseTerm = this.term(first - 1);
    if (first > this.#last) {
      this.reset(first - 1, baseTerm);
      return;
    }
    const run = lastAtMost(this.#runs, first, (candidate) => candidate.from)!;
    this.#runs.splice(0, this.#runs.indexOf(run), { from: first, term: run.term });
    this.#runs.splice(1, 1);
    const mark = lastAtMost(this.#marks, first, (candidate) => candidate.index);
    // The mark before the new first entry stays: it is the way to that entry.
    if (mark) this.#marks.splice(0, this.#marks.indexOf(mark));
    this.#first = first;
    this.#baseTerm = baseTerm;
  }
}

function lastAtMost<T>(sorted: readonly T[], limit: number, key: (item: T) => number): T | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (key(sorted[middle]!) <= limit) low = middle + 1;
    else high = middle;
  }
  return sorted[low - 1];
}
