/**
 * Regular expressions from strangers. A query may come from anybody, and an engine that backtracks can be kept busy
 * for years by thirty characters. This one walks all possibilities at once (Thompson, 1968): time is at most length
 * of the text × size of the expression. It knows what RE2 and Go know, as far as tags need it.
 */
import { BadPattern, type Leaf, type Node, parsePattern, type Repeat } from './pattern-parser.ts';

export interface Pattern {
  /** Unanchored: the expression may match anywhere. */
  test(text: string): boolean;
}

type Step =
  | Leaf
  /** Goes on at both places. */
  | { readonly kind: 'split'; first: number; second: number }
  | { readonly kind: 'jump'; to: number }
  | { readonly kind: 'match' };

const stepsMax = 2_000;
/** Repetitions of nothing add no steps, but they take time all the same. */
const workMax = 20 * stepsMax;

/** Undefined for what is no expression, or one that is too large. */
export function compilePattern(expression: string): Pattern | undefined {
  try {
    const program = new Program();
    program.emit(parsePattern(expression));
    program.steps.push({ kind: 'match' });
    return { test: (text) => run(program.steps, text) };
  } catch (error) {
    if (error instanceof BadPattern) return undefined;
    throw error;
  }
}

function run(program: readonly Step[], text: string): boolean {
  let current = new Set<number>();
  for (let position = 0; position <= text.length; position++) {
    // Unanchored: every position may be the beginning.
    follow(program, 0, text, position, current);
    const next = new Set<number>();
    for (const at of current) {
      const step = program[at]!;
      if (step.kind === 'match') return true;
      if (step.kind === 'char' && position < text.length && step.test(text.charCodeAt(position))) {
        follow(program, at + 1, text, position + 1, next);
      }
    }
    current = next;
  }
  return false;
}

/** Adds a step and all that can be reached from it without reading a character. */
function follow(
  program: readonly Step[],
  start: number,
  text: string,
  position: number,
  into: Set<number>,
): void {
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (into.has(at)) continue;
    into.add(at);
    const step = program[at]!;
    if (step.kind === 'jump') open.push(step.to);
    else if (step.kind === 'split') open.push(step.first, step.second);
    else if (step.kind === 'assert' && step.holds(text, position)) open.push(at + 1);
  }
}

class Program {
  readonly steps: Step[] = [];
  #work = 0;

  emit(node: Node): void {
    this.#work += 1;
    if (this.steps.length > stepsMax || this.#work > workMax) throw new BadPattern();
    switch (node.kind) {
      case 'char':
      case 'assert':
        this.steps.push(node);
        break;
      case 'sequence':
        for (const part of node.parts) this.emit(part);
        break;
      case 'choice':
        this.#emitChoice(node.parts);
        break;
      case 'repeat':
        this.#emitRepeat(node);
    }
  }

  #emitChoice([first, ...rest]: readonly Node[]): void {
    if (first === undefined) return;
    if (rest.length === 0) {
      this.emit(first);
      return;
    }
    const split = this.#split();
    this.emit(first);
    const jump = { kind: 'jump' as const, to: 0 };
    this.steps.push(jump);
    split.second = this.steps.length;
    this.#emitChoice(rest);
    jump.to = this.steps.length;
  }

  #emitRepeat({ part, min, max }: Repeat): void {
    for (let i = 0; i < min; i++) this.emit(part);
    if (max === Number.POSITIVE_INFINITY) {
      const start = this.steps.length;
      const split = this.#split();
      this.emit(part);
      this.steps.push({ kind: 'jump', to: start });
      split.second = this.steps.length;
      return;
    }
    const splits = [];
    for (let i = min; i < max; i++) {
      splits.push(this.#split());
      this.emit(part);
    }
    for (const split of splits) split.second = this.steps.length;
  }

  /** A fork whose second way is set later. */
  #split(): { kind: 'split'; first: number; second: number } {
    const split = { kind: 'split' as const, first: this.steps.length + 1, second: 0 };
    this.steps.push(split);
    return split;
  }
}
