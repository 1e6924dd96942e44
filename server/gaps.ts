/**
 * Numbers of the event log that no event has and none will ever get. A restored snapshot makes the catalog another one
 * without a word for each row, and a recovered server cannot know which numbers the lost ones gave: both go on behind a
 * gap, and every reader is told of it, so that it reads the catalog anew instead of believing that it missed nothing.
 */

export interface Gap {
  /** Both included. */
  readonly from: number;
  readonly to: number;
  /** For people. */
  readonly reason: string;
}

/** The gap that this offset lies in. */
export function gapAt(gaps: readonly Gap[], offset: number): Gap | undefined {
  return gaps.find(({ from, to }) => from <= offset && offset <= to);
}

/** The offset itself, or the first one behind the gap that it lies in. */
export function behindGap(gaps: readonly Gap[], offset: number): number {
  const gap = gapAt(gaps, offset);
  return gap === undefined ? offset : gap.to + 1;
}

/** How many events the offsets from `first` to `last` stand for. */
export function countEvents(gaps: readonly Gap[], first: number, last: number): number {
  const missing = gaps.reduce(
    (sum, { from, to }) => sum + Math.max(0, Math.min(to, last) - Math.max(from, first) + 1),
    0,
  );
  return Math.max(0, last - first + 1 - missing);
}

/** The offset that comes `count` events behind `first`. */
export function passEvents(gaps: readonly Gap[], first: number, count: number): number {
  let offset = behindGap(gaps, first);
  let left = count;
  for (const { from, to } of gaps) {
    if (from <= offset) continue;
    if (offset + left < from) break;
    left -= from - offset;
    offset = to + 1;
  }
  return offset + left;
}
