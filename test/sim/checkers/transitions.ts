/**
 * What an agent observed and wrote down must reach the log once and in order. What was lost with the unsynced end of its
 * journal in a crash was never handed out and must never appear.
 */
import type { HealthEvent } from '../../../proto/schema/event.ts';
import type { Findings } from './findings.ts';

interface Observed {
  readonly revision: number;
  /** Stands in the output; every transition has its own. */
  readonly mark: string;
}

export class TransitionsChecker {
  readonly #findings: Findings;
  readonly #node: string;
  #observed: Observed[] = [];
  /** Transitions in the log so far. */
  #told = 0;

  constructor(findings: Findings, node: string) {
    this.#findings = findings;
    this.#node = node;
  }

  get count(): number {
    return this.#observed.length;
  }

  /** The agent has recorded a transition. */
  observed(revision: number, mark: string): void {
    this.#observed.push({ revision, mark });
  }

  /** The agent has read its journal again after a crash. */
  reopened(lastRevision: number): void {
    const kept = this.#observed.filter(({ revision }) => revision <= lastRevision);
    this.#findings.check(
      kept.length >= this.#told,
      'journal',
      () =>
        `${this.#node} lost record ${this.#observed[this.#told - 1]!.revision}, which was handed out, in a crash`,
    );
    this.#observed = kept;
  }

  /** A new event of the log. */
  entered({ Node, Kind, Revision, Output, Offset }: HealthEvent): void {
    if (Node !== this.#node || Kind !== 'check.changed' || Revision === 0) return;
    const expected = this.#observed[this.#told];
    this.#findings.check(
      expected?.mark === Output && expected.revision === Revision,
      'transitions',
      () =>
        `event ${Offset} is ${Output} (record ${Revision}) of ${this.#node}, and it is the turn of ${expected?.mark} (record ${expected?.revision})`,
    );
    this.#told += 1;
  }

  /** In the end. */
  finish(): void {
    this.#findings.check(
      this.#told === this.#observed.length,
      'transitions',
      () => `${this.#node} observed ${this.#observed.length} transitions, and ${this.#told} are in the log`,
    );
  }
}
