/** Words, quoted values and signs of a filter, each with the column where it began. */
import { ExpectedError } from '../errors.ts';

export interface Token {
  /** `word`: a selector or a bare value. `value`: quoted, or a number. */
  readonly kind: 'word' | 'value' | 'sign' | 'end';
  readonly text: string;
  /** A word taken apart at its dots and `["keys"]`. */
  readonly path: readonly string[];
  /** From 1. */
  readonly column: number;
}

const word = /[A-Za-z][A-Za-z0-9_]*/y;
const numeric = /-?\d+(\.\d+)?(?![A-Za-z0-9_.])/y;
const sign = /==|!=|\(|\)/y;
const space = /\s*/y;
const quotedPart = /"(?:[^"\\]|\\.)*"|`[^`]*`/y;

export class TokenReader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = scan(text);
  }

  atEnd(): boolean {
    return this.peek().kind === 'end';
  }

  peek(): Token {
    return this.#tokens[this.#at]!;
  }

  peekWord(text: string): boolean {
    const token = this.peek();
    return token.kind === 'word' && token.text === text;
  }

  take(expected: string): Token {
    const token = this.peek();
    if (token.kind === 'end') this.fail(`expected ${expected}`);
    this.#at += 1;
    return token;
  }

  takeWord(text: string): boolean {
    return this.takeWords([text]);
  }

  /** All of them in a row, or none. */
  takeWords(texts: readonly string[]): boolean {
    const found = texts.every((text, i) => {
      const token = this.#tokens[this.#at + i];
      return token?.kind === 'word' && token.text === text;
    });
    if (found) this.#at += texts.length;
    return found;
  }

  takeSign(text: string): boolean {
    const token = this.peek();
    if (token.kind !== 'sign' || token.text !== text) return false;
    this.#at += 1;
    return true;
  }

  fail(why: string): never {
    return this.failAt(this.peek(), why);
  }

  failAt(token: Token, why: string): never {
    return refuse(token.column, why, this.#text);
  }
}

/** Begins as Consul's message does: clients look for it. */
function refuse(column: number, why: string, text: string): never {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text;
  throw new ExpectedError(
    'BAD_REQUEST',
    `Failed to create boolean expression evaluator: column ${column}: ${why} (in: ${shown})`,
  );
}

function scan(text: string): Token[] {
  const tokens: Token[] = [];
  let at = match(space, text, 0)!.length;
  while (at < text.length) {
    const column = at + 1;
    const token = tokenAt(text, at);
    if (token === null) refuse(column, `"${text[at]}" is not understood`, text);
    tokens.push({ ...token.token, column });
    at += token.length;
    at += match(space, text, at)!.length;
  }
  tokens.push({ kind: 'end', text: '', path: [], column: text.length + 1 });
  return tokens;
}

function tokenAt(text: string, at: number): { token: Omit<Token, 'column'>; length: number } | null {
  const found = match(sign, text, at);
  if (found !== null) return { token: { kind: 'sign', text: found, path: [] }, length: found.length };
  const number = match(numeric, text, at);
  if (number !== null) return { token: { kind: 'value', text: number, path: [] }, length: number.length };
  const quoted = match(quotedPart, text, at);
  if (quoted !== null) {
    return { token: { kind: 'value', text: unquote(quoted, at, text), path: [] }, length: quoted.length };
  }
  return wordAt(text, at);
}

/** `Node`, `Meta.zone`, `Meta["a-b"].x`. */
function wordAt(text: string, from: number): { token: Omit<Token, 'column'>; length: number } | null {
  const first = match(word, text, from);
  if (first === null) return null;
  const path = [first];
  let at = from + first.length;
  for (;;) {
    const dotted = text[at] === '.' ? match(word, text, at + 1) : null;
    if (dotted !== null) {
      path.push(dotted);
      at += dotted.length + 1;
      continue;
    }
    const quoted = text[at] === '[' ? match(quotedPart, text, at + 1) : null;
    if (quoted === null || text[at + 1 + quoted.length] !== ']') break;
    path.push(unquote(quoted, at + 1, text));
    at += quoted.length + 2;
  }
  return { token: { kind: 'word', text: text.slice(from, at), path }, length: at - from };
}

function unquote(quoted: string, at: number, text: string): string {
  if (quoted.startsWith('`')) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return refuse(at + 1, 'an escape in the quoted text is not understood', text);
  }
}

function match(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}
