/**
 * Deliberate bugs, one a mutant: a piece of a source file and what stands in its place. A simulator that finds none of
 * them would prove nothing. Each piece must occur exactly once, so a mutant that no longer fits is noticed.
 */
export interface Mutant {
  readonly name: string;
  /** What the program then does wrong. */
  readonly bug: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}
