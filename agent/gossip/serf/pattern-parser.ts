/** Reads Go's regular expressions (RE2) into a tree: what tags need, and nothing that looks behind or ahead. */

export type CharTest = (code: number) => boolean;

/** Reads one character, or looks where we are. */
export type Leaf =
  | { readonly kind: 'char'; readonly test: CharTest }
  | { readonly kind: 'assert'; readonly holds: (text: string, position: number) => boolean };

export interface Repeat {
  readonly kind: 'repeat';
  readonly part: Node;
  readonly min: number;
  /** May be infinite. */
  readonly max: number;
}

export type Node = Leaf | Repeat | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Node[] };

/** Not an expression, one that we do not know, or one that is too large. */
export class BadPattern extends Error {}

const repeatMax = 1_000;
const depthMax = 50;

const isDigit: CharTest = (code) => code >= 48 && code <= 57;
const isWord: CharTest = (code) =>
  isDigit(code) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95;
const isSpace: CharTest = (code) => code === 32 || (code >= 9 && code <= 13 && code !== 11);
const not =
  (test: CharTest): CharTest =>
  (code) =>
    !test(code);

const classes: Readonly<Record<string, CharTest>> = {
  d: isDigit,
  D: not(isDigit),
  w: isWord,
  W: not(isWord),
  s: isSpace,
  S: not(isSpace),
};
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, a: 7 };

function atBoundary(text: string, position: number): boolean {
  const before = position > 0 && isWord(text.charCodeAt(position - 1));
  const after = position < text.length && isWord(text.charCodeAt(position));
  return before !== after;
}

/** Throws `BadPattern`. */
export function parsePattern(expression: string): Node {
  return new Parser(expression).parse();
}

class Parser {
  readonly #source: string;
  #at = 0;
  #depth = 0;
  #ignoreCase = false;

  constructor(source: string) {
    this.#source = source;
  }

  parse(): Node {
    if (this.#take('(?i)')) this.#ignoreCase = true;
    const node = this.#choice();
    if (this.#at < this.#source.length) throw new BadPattern();
    return node;
  }

  #choice(): Node {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    return parts.length === 1 ? parts[0]! : { kind: 'choice', parts };
  }

  #sequence(): Node {
    const parts: Node[] = [];
    while (this.#at < this.#source.length && this.#peek() !== '|' && this.#peek() !== ')') {
      parts.push(this.#repeated());
    }
    return { kind: 'sequence', parts };
  }

  #repeated(): Node {
    const part = this.#atom();
    const [min, max] = this.#quantifier();
    if (min === 1 && max === 1) return part;
    // A lazy mark changes what is captured, not whether there is a match; a second quantifier is an error.
    this.#take('?');
    if (['*', '+', '?'].includes(this.#peek())) throw new BadPattern();
    return { kind: 'repeat', part, min, max };
  }

  #quantifier(): readonly [number, number] {
    if (this.#take('*')) return [0, Number.POSITIVE_INFINITY];
    if (this.#take('+')) return [1, Number.POSITIVE_INFINITY];
    if (this.#take('?')) return [0, 1];
    const counted = /^\{(\d{1,4})(,(\d{0,4}))?\}/.exec(this.#source.slice(this.#at, this.#at + 12));
    if (counted === null) return [1, 1];
    this.#at += counted[0].length;
    const min = Number(counted[1]);
    const max =
      counted[2] === undefined ? min : counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3]);
    if (min > repeatMax || max < min || (max > repeatMax && max !== Number.POSITIVE_INFINITY)) {
      throw new BadPattern();
    }
    return [min, max];
  }

  #atom(): Node {
    const char = this.#next();
    switch (char) {
      case '(':
        return this.#group();
      case '[':
        return this.#char(this.#set());
      case '.':
        return this.#char((code) => code !== 10);
      case '^':
        return this.#assert((_, position) => position === 0);
      case '$':
        return this.#assert((text, position) => position === text.length);
      case '\\':
        return this.#escape();
      case '*':
      case '+':
      case '?':
        throw new BadPattern();
      default:
        return this.#char(this.#literal(char.charCodeAt(0)));
    }
  }

  #group(): Node {
    this.#depth += 1;
    if (this.#depth > depthMax) throw new BadPattern();
    if (this.#peek() === '?') {
      const opening = /^\?(:|P?<\w+>)/.exec(this.#source.slice(this.#at, this.#at + 64));
      if (opening === null) throw new BadPattern();
      this.#at += opening[0].length;
    }
    const node = this.#choice();
    if (!this.#take(')')) throw new BadPattern();
    this.#depth -= 1;
    return node;
  }

  #escape(): Node {
    const char = this.#next();
    if (char === 'b') return this.#assert(atBoundary);
    if (char === 'B') return this.#assert((text, position) => !atBoundary(text, position));
    if (char === 'A') return this.#assert((_, position) => position === 0);
    if (char === 'z') return this.#assert((text, position) => position === text.length);
    return this.#char(classes[char] ?? this.#literal(this.#escapedCode(char)));
  }

  #escapedCode(char: string): number {
    const control = controls[char];
    if (control !== undefined) return control;
    // Letters and digits with a meaning that we do not know must not silently become literals.
    if (isWord(char.charCodeAt(0))) throw new BadPattern();
    return char.charCodeAt(0);
  }

  #set(): CharTest {
    const negated = this.#take('^');
    const tests: CharTest[] = [];
    for (let first = true; first || this.#peek() !== ']'; first = false) tests.push(this.#setPart());
    this.#at += 1;
    const any: CharTest = (code) => tests.some((test) => test(code));
    return negated ? not(any) : any;
  }

  #setPart(): CharTest {
    const char = this.#next();
    if (char === '[' && this.#peek() === ':') throw new BadPattern();
    if (char === '\\' && classes[this.#peek()] !== undefined) return classes[this.#next()]!;
    const from = char === '\\' ? this.#escapedCode(this.#next()) : char.charCodeAt(0);
    if (this.#peek() !== '-' || this.#source[this.#at + 1] === ']') return this.#literal(from);
    this.#at += 1;
    const end = this.#next();
    const to = end === '\\' ? this.#escapedCode(this.#next()) : end.charCodeAt(0);
    if (to < from) throw new BadPattern();
    const within: CharTest = (code) => code >= from && code <= to;
    if (!this.#ignoreCase) return within;
    return (code) => within(code) || within(otherCase(code));
  }

  #literal(code: number): CharTest {
    if (!this.#ignoreCase) return (other) => other === code;
    return (other) => other === code || otherCase(other) === code;
  }

  #char(test: CharTest): Node {
    return { kind: 'char', test };
  }

  #assert(holds: (text: string, position: number) => boolean): Node {
    return { kind: 'assert', holds };
  }

  #peek(): string {
    return this.#source[this.#at] ?? '';
  }

  #next(): string {
    const char = this.#source[this.#at];
    if (char === undefined) throw new BadPattern();
    this.#at += 1;
    return char;
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }
}

function otherCase(code: number): number {
  if (code >= 65 && code <= 90) return code + 32;
  return code >= 97 && code <= 122 ? code - 32 : code;
}
