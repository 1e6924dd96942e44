/**
 * Regular expressions from strangers. JavaScript's own engine backtracks, so a short pattern of a listener could stop
 * a server for hours; this one walks all alternatives at once (Thompson 1968), and the time is bounded by text × pattern.
 */
import { ExpectedError } from '../errors.ts';
import type { CharSet } from './char-set.ts';
import { has, isWord } from './char-set.ts';
import type { Assertion, Node } from './syntax.ts';
import { parseRegex } from './syntax.ts';

type Step =
  | { readonly op: 'set'; readonly set: CharSet }
  | { readonly op: 'assert'; readonly what: Assertion }
  | { readonly op: 'split'; readonly to: number[] }
  | { readonly op: 'match' };

/** Steps of a compiled pattern at most; `{n}` multiplies what it repeats. */
const stepsMax = 5_000;
const patternLengthMax = 1_000;

export interface Regex {
  /** Whether the pattern occurs anywhere in the text. */
  test(text: string): boolean;
}

/** Throws BAD_REQUEST for a pattern that cannot be read or is too large. */
export function compileRegex(pattern: string): Regex {
  if (pattern.length > patternLengthMax) {
    throw new ExpectedError(
      'BAD_REQUEST',
      `a regular expression may have ${patternLengthMax} characters, this one has ${pattern.length}`,
    );
  }
  const steps: Step[] = [];
  emit(steps, parseRegex(pattern));
  push(steps, { op: 'match' });
  return { test: (text) => run(steps, text) };
}

function push(steps: Step[], step: Step): number {
  if (steps.length >= stepsMax) {
    throw new ExpectedError(
      'BAD_REQUEST',
      `a regular expression of more than ${stepsMax} steps is too large`,
    );
  }
  return steps.push(step) - 1;
}

/** Appends the steps of a node; they go on at the step that follows the last one. */
function emit(steps: Step[], node: Node): void {
  switch (node.is) {
    case 'set':
      push(steps, { op: 'set', set: node.set });
      return;
    case 'assert':
      push(steps, { op: 'assert', what: node.what });
      return;
    case 'sequence':
      for (const part of node.parts) emit(steps, part);
      return;
    case 'choice':
      emitChoice(steps, node.parts);
      return;
    case 'repeat':
      emitRepeat(steps, node);
      return;
  }
}

function emitChoice(steps: Step[], parts: readonly Node[]): void {
  const starts: number[] = [];
  push(steps, { op: 'split', to: starts });
  const ends: number[][] = [];
  for (const part of parts) {
    starts.push(steps.length);
    emit(steps, part);
    const end: number[] = [];
    push(steps, { op: 'split', to: end });
    ends.push(end);
  }
  for (const end of ends) end.push(steps.length);
}

function emitRepeat(steps: Step[], node: Extract<Node, { is: 'repeat' }>): void {
  for (let i = 0; i < node.min; i++) {
    const before = steps.length;
    emit(steps, node.part);
    // Nothing repeated is nothing: repeats of it inside of each other would pass no limit, and never end.
    if (steps.length === before) break;
  }
  if (node.max === Number.POSITIVE_INFINITY) {
    const to: number[] = [];
    const start = push(steps, { op: 'split', to });
    to.push(steps.length);
    emit(steps, node.part);
    push(steps, { op: 'split', to: [start] });
    to.push(steps.length);
    return;
  }
  const exits: number[][] = [];
  for (let i = node.min; i < node.max; i++) {
    const to: number[] = [];
    push(steps, { op: 'split', to });
    to.push(steps.length);
    exits.push(to);
    emit(steps, node.part);
  }
  for (const to of exits) to.push(steps.length);
}

function run(steps: readonly Step[], text: string): boolean {
  const codes = Array.from(text, (char) => char.codePointAt(0)!);
  let now: number[] = [];
  for (let at = 0; at <= codes.length; at++) {
    const seen = new Uint8Array(steps.length);
    const waiting: number[] = [];
    // A match may begin here as well: the pattern is not anchored.
    for (const step of [...now, 0]) {
      if (follow(steps, step, codes, at, seen, waiting)) return true;
    }
    now = [];
    const code = codes[at];
    if (code === undefined) return false;
    for (const step of waiting) {
      const { set } = steps[step] as { set: CharSet };
      if (has(set, code)) now.push(step + 1);
    }
  }
  return false;
}

/** Goes on through everything that takes no character. True when the pattern has matched. */
function follow(
  steps: readonly Step[],
  from: number,
  codes: readonly number[],
  at: number,
  seen: Uint8Array,
  waiting: number[],
): boolean {
  const stack = [from];
  while (stack.length > 0) {
    const index = stack.pop()!;
    if (seen[index] === 1) continue;
    seen[index] = 1;
    const step = steps[index]!;
    if (step.op === 'match') return true;
    if (step.op === 'set') waiting.push(index);
    else if (step.op === 'split') stack.push(...step.to);
    else if (holds(step.what, codes, at)) stack.push(index + 1);
  }
  return false;
}

function holds(what: Assertion, codes: readonly number[], at: number): boolean {
  const isEdge = isWord(codes[at - 1]) !== isWord(codes[at]);
  switch (what) {
    case 'textStart':
      return at === 0;
    case 'textEnd':
      return at === codes.length;
    case 'lineStart':
      return at === 0 || codes[at - 1] === 0x0a;
    case 'lineEnd':
      return at === codes.length || codes[at] === 0x0a;
    case 'wordEdge':
      return isEdge;
    case 'noWordEdge':
      return !isEdge;
  }
}
