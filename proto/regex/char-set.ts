/** Sets of characters as sorted ranges of code points that do not touch. */
export type CharSet = ReadonlyArray<readonly [from: number, to: number]>;

const last = 0x10ffff;

export function rangeSet(ranges: CharSet): CharSet {
  const sorted = [...ranges].sort((a, b) => a[0] - b[0]);
  const merged: Array<[number, number]> = [];
  for (const [from, to] of sorted) {
    const open = merged.at(-1);
    if (open !== undefined && from <= open[1] + 1) open[1] = Math.max(open[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

export function invert(set: CharSet): CharSet {
  const ranges: Array<readonly [number, number]> = [];
  let from = 0;
  for (const [start, end] of set) {
    if (start > from) ranges.push([from, start - 1]);
    from = end + 1;
  }
  if (from <= last) ranges.push([from, last]);
  return ranges;
}

export function has(set: CharSet, code: number): boolean {
  for (const [from, to] of set) {
    if (code < from) return false;
    if (code <= to) return true;
  }
  return false;
}

/** Ranges wider than this are folded in their ASCII part only: folding a million characters one by one helps nobody. */
const foldMax = 2_000;

/** The set with the other case of each of its letters. */
export function fold(set: CharSet): CharSet {
  const ranges: Array<readonly [number, number]> = [...set];
  for (const [from, to] of set) {
    const end = to - from > foldMax ? Math.min(to, 0x7f) : to;
    for (let code = from; code <= end; code++) {
      const char = String.fromCodePoint(code);
      for (const other of [char.toLowerCase(), char.toUpperCase()]) {
        const folded = other.codePointAt(0)!;
        if (folded !== code && String.fromCodePoint(folded) === other) ranges.push([folded, folded]);
      }
    }
  }
  return rangeSet(ranges);
}

const digit: CharSet = [[0x30, 0x39]];
const word: CharSet = [...digit, [0x41, 0x5a], [0x5f, 0x5f], [0x61, 0x7a]];
const space: CharSet = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x20, 0x20],
];

export function isWord(code: number | undefined): boolean {
  return code !== undefined && has(word, code);
}

/** After a backslash; as in RE2 these are ASCII. */
export const classes: Readonly<Record<string, CharSet>> = {
  d: digit,
  D: invert(digit),
  w: word,
  W: invert(word),
  s: space,
  S: invert(space),
};

const lower: CharSet = [[0x61, 0x7a]];
const upper: CharSet = [[0x41, 0x5a]];
const alpha: CharSet = [...upper, ...lower];

/** Between `[:` and `:]`. */
export const posixClasses: Readonly<Record<string, CharSet>> = {
  alnum: [...digit, ...alpha],
  alpha,
  ascii: [[0x00, 0x7f]],
  blank: [
    [0x09, 0x09],
    [0x20, 0x20],
  ],
  cntrl: [
    [0x00, 0x1f],
    [0x7f, 0x7f],
  ],
  digit,
  graph: [[0x21, 0x7e]],
  lower,
  print: [[0x20, 0x7e]],
  punct: [
    [0x21, 0x2f],
    [0x3a, 0x40],
    [0x5b, 0x60],
    [0x7b, 0x7e],
  ],
  space: [
    [0x09, 0x0d],
    [0x20, 0x20],
  ],
  upper,
  word,
  xdigit: [...digit, [0x41, 0x46], [0x61, 0x66]],
};
