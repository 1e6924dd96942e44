/**
 * Reads a regular expression in the syntax of RE2 (what Go and so Consul understands) into a tree. What only a
 * backtracking engine can do (back-references, look-around) is refused with its place.
 */
import { ExpectedError } from '../errors.ts';
import type { CharSet } from './char-set.ts';
import { classes, fold, invert, posixClasses, rangeSet } from './char-set.ts';

export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'wordEdge' | 'noWordEdge';

export type Node =
  | { readonly is: 'set'; readonly set: CharSet }
  | { readonly is: 'assert'; readonly what: Assertion }
  | { readonly is: 'sequence'; readonly parts: readonly Node[] }
  | { readonly is: 'choice'; readonly parts: readonly Node[] }
  | { readonly is: 'repeat'; readonly part: Node; readonly min: number; readonly max: number };

interface Flags {
  readonly i: boolean;
  readonly m: boolean;
  readonly s: boolean;
}

/** RE2's own bounds: a count, and groups in groups. */
const repeatMax = 1000;
const depthMax = 200;

const newline = rangeSet([[0x0a, 0x0a]]);
const everything = rangeSet([[0, 0x10ffff]]);

/** Throws BAD_REQUEST with the place (from 1) of what it cannot read. */
export function parseRegex(pattern: string): Node {
  return new Parser(pattern).parse();
}

class Parser {
  readonly #chars: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#chars = [...pattern];
  }

  parse(): Node {
    const node = this.#choice({ i: false, m: false, s: false });
    if (this.#peek() !== undefined) this.#fail('unexpected )');
    return node;
  }

  #choice(outer: Flags): Node {
    this.#depth += 1;
    if (this.#depth > depthMax) this.#fail('groups are nested too deeply');
    let flags = outer;
    const options: Node[] = [];
    let parts: Node[] = [];
    for (;;) {
      const next = this.#peek();
      if (next === undefined || next === ')') break;
      if (next === '|') {
        this.#at += 1;
        options.push({ is: 'sequence', parts });
        parts = [];
        continue;
      }
      const changed = this.#inlineFlags(flags);
      if (changed !== null) flags = changed;
      else parts.push(...this.#repeated(flags));
    }
    this.#depth -= 1;
    options.push({ is: 'sequence', parts });
    return options.length === 1 ? options[0]! : { is: 'choice', parts: options };
  }

  #repeated(flags: Flags): Node[] {
    const quoted = this.#quoted(flags);
    if (quoted?.length === 0) return [];
    let node = quoted?.pop() ?? this.#atom(flags);
    for (let count = this.#count(); count !== null; count = this.#count()) {
      node = { is: 'repeat', part: node, ...count };
      // Lazy or greedy finds the same yes or no.
      if (this.#peek() === '?') this.#at += 1;
      const next = this.#peek();
      if (next === '*' || next === '+' || next === '?') this.#fail(`${next} repeats a repetition`);
    }
    return [...(quoted ?? []), node];
  }

  #count(): { min: number; max: number } | null {
    const next = this.#peek();
    if (next === '*' || next === '+' || next === '?') {
      this.#at += 1;
      return { min: next === '+' ? 1 : 0, max: next === '?' ? 1 : Number.POSITIVE_INFINITY };
    }
    const braces = next === '{' ? /^\{(\d{1,5})(,(\d{0,5}))?\}/.exec(this.#rest(14)) : null;
    if (braces === null) return null;
    const min = Number(braces[1]);
    const open = braces[3] === '' ? Number.POSITIVE_INFINITY : Number(braces[3]);
    const max = braces[2] === undefined ? min : open;
    const isTooMuch = min > repeatMax || (Number.isFinite(max) && max > repeatMax);
    if (isTooMuch || max < min) this.#fail(`a count must rise and be at most ${repeatMax}`);
    this.#at += braces[0].length;
    return { min, max };
  }

  #atom(flags: Flags): Node {
    const char = this.#take();
    switch (char) {
      case '(':
        return this.#group(flags);
      case '[':
        return setNode(this.#bracket(flags));
      case '.':
        return setNode(flags.s ? everything : invert(newline));
      case '^':
        return { is: 'assert', what: flags.m ? 'lineStart' : 'textStart' };
      case '$':
        return { is: 'assert', what: flags.m ? 'lineEnd' : 'textEnd' };
      case '*':
      case '+':
      case '?':
        return this.#fail(`${char} has nothing to repeat`, 1);
      case '\\':
        return this.#escape(flags);
      default:
        return setNode(literal(char.codePointAt(0)!, flags));
    }
  }

  #group(flags: Flags): Node {
    let inner = flags;
    if (this.#peek() === '?') {
      const head = /^\?(?:P?<[A-Za-z_]\w*>|([a-zA-Z]*)(?:-([a-zA-Z]+))?:)/.exec(this.#rest(64));
      if (head === null) return this.#fail('this kind of group is not understood (no look-around)');
      if (head[1] !== undefined) inner = this.#flags(flags, head[1], head[2] ?? '');
      this.#at += head[0].length;
    }
    const node = this.#choice(inner);
    if (this.#peek() !== ')') this.#fail('a group is not closed');
    this.#at += 1;
    return node;
  }

  /** `(?i)` holds until the end of the group that it stands in. */
  #inlineFlags(flags: Flags): Flags | null {
    const head = /^\(\?([a-zA-Z]*)(?:-([a-zA-Z]+))?\)/.exec(this.#rest(16));
    if (head === null) return null;
    this.#at += head[0].length;
    return this.#flags(flags, head[1]!, head[2] ?? '');
  }

  #flags(flags: Flags, on: string, off: string): Flags {
    const next = { ...flags, U: false };
    for (const [letters, value] of [[on, true] as const, [off, false] as const]) {
      for (const letter of letters) {
        if (!Object.hasOwn(next, letter)) this.#fail(`the flag ${letter} is not known`);
        next[letter as 'i' | 'm' | 's' | 'U'] = value;
      }
    }
    return next;
  }

  /** What stands between `\\Q` and `\\E`, or null; only its last character can be repeated. */
  #quoted(flags: Flags): Node[] | null {
    if (this.#rest(2) !== '\\Q') return null;
    this.#at += 2;
    const parts: Node[] = [];
    while (this.#peek() !== undefined && this.#rest(2) !== '\\E') {
      parts.push(setNode(literal(this.#take().codePointAt(0)!, flags)));
    }
    if (this.#peek() !== undefined) this.#at += 2;
    return parts;
  }

  #escape(flags: Flags): Node {
    const assertion = { A: 'textStart', z: 'textEnd', b: 'wordEdge', B: 'noWordEdge' } as const;
    const next = this.#peek() ?? '';
    if (Object.hasOwn(assertion, next)) {
      this.#at += 1;
      return { is: 'assert', what: assertion[next as keyof typeof assertion] };
    }
    const escaped = this.#escapedSet();
    return setNode(typeof escaped === 'number' ? literal(escaped, flags) : escaped);
  }

  /** After a backslash: one code point, or a class. */
  #escapedSet(): number | CharSet {
    const char = this.#take('the pattern ends with a backslash');
    if (Object.hasOwn(classes, char)) return classes[char]!;
    const control = { n: 0x0a, t: 0x09, r: 0x0d, f: 0x0c, v: 0x0b, a: 0x07 };
    if (Object.hasOwn(control, char)) return control[char as keyof typeof control];
    if (char === 'x') {
      const hex = /^(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/.exec(this.#rest(8));
      const code = hex === null ? -1 : Number.parseInt(hex[1] ?? hex[2]!, 16);
      if (hex === null || code > 0x10ffff) return this.#fail('\\x needs two hexadecimal digits or {…}');
      this.#at += hex[0].length;
      return code;
    }
    if (/[0-9]/.test(char)) return this.#fail('back-references are not understood', 1);
    if (/[A-Za-z]/.test(char)) return this.#fail(`\\${char} is not understood`, 1);
    return char.codePointAt(0)!;
  }

  /** What stands in `[…]`; the opening bracket is taken. */
  #bracket(flags: Flags): CharSet {
    const isInverted = this.#peek() === '^';
    if (isInverted) this.#at += 1;
    const ranges: Array<readonly [number, number]> = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) {
      const posix = /^\[:(\^?)([a-z]+):\]/.exec(this.#rest(12));
      if (posix !== null) {
        const set = posixClasses[posix[2]!];
        if (set === undefined) return this.#fail(`the class [:${posix[2]}:] is not known`);
        ranges.push(...(posix[1] === '^' ? invert(set) : set));
        this.#at += posix[0].length;
        continue;
      }
      const from = this.#member();
      if (typeof from !== 'number') {
        ranges.push(...from);
        continue;
      }
      const isRange = this.#peek() === '-' && this.#chars[this.#at + 1] !== ']';
      if (!isRange) {
        ranges.push([from, from]);
        continue;
      }
      this.#at += 1;
      const to = this.#member();
      if (typeof to !== 'number' || to < from) return this.#fail('a range of characters must rise');
      ranges.push([from, to]);
    }
    this.#at += 1;
    const set = flags.i ? fold(rangeSet(ranges)) : rangeSet(ranges);
    return isInverted ? invert(set) : set;
  }

  #member(): number | CharSet {
    const char = this.#take('a class of characters is not closed');
    return char === '\\' ? this.#escapedSet() : char.codePointAt(0)!;
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #rest(length: number): string {
    return this.#chars.slice(this.#at, this.#at + length).join('');
  }

  #take(missing = 'the pattern ends too early'): string {
    const char = this.#chars[this.#at];
    if (char === undefined) return this.#fail(missing);
    this.#at += 1;
    return char;
  }

  #fail(why: string, back = 0): never {
    throw new ExpectedError('BAD_REQUEST', `regular expression, character ${this.#at + 1 - back}: ${why}`);
  }
}

function setNode(set: CharSet): Node {
  return { is: 'set', set };
}

function literal(code: number, flags: Flags): CharSet {
  const set = rangeSet([[code, code]]);
  return flags.i ? fold(set) : set;
}
