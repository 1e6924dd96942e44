/**
 * Exactly once: every value is written by one operation of one client, however often it is sent. Its event stands in the
 * log once at most, exactly once when it was acknowledged, never when it was refused; and whatever is read at an offset
 * is what the log says up to that offset.
 */
import type { HealthEvent } from '../../../proto/schema/event.ts';
import type { Findings } from './findings.ts';

/** The check whose status is the value. */
export const valueCheck = 'value';

export class ValuesChecker {
  readonly #findings: Findings;
  readonly #offsets = new Map<string, number>();
  /** By node: the values in the order of the log. */
  readonly #series = new Map<string, { offset: number; value: string }[]>();
  readonly #refused = new Set<string>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** A new event of the log. */
  entered({ Kind, Node, Check, To, Offset }: HealthEvent): void {
    if (Check !== valueCheck || !(Kind === 'check.added' || Kind === 'check.changed')) return;
    this.#findings.check(
      !this.#offsets.has(To),
      'exactly once',
      () => `${To} was written to ${Node} at offset ${this.#offsets.get(To)} and again at ${Offset}`,
    );
    this.#findings.check(
      !this.#refused.has(To),
      'exactly once',
      () => `${To} was refused and written all the same`,
    );
    this.#offsets.set(To, Offset);
    const series = this.#series.get(Node) ?? [];
    this.#series.set(Node, series);
    series.push({ offset: Offset, value: To });
  }

  /** A client was told that its write is in the log, at this offset or before. */
  acknowledged(value: string, offset: number): void {
    const at = this.#offsets.get(value);
    this.#findings.check(
      at !== undefined && at <= offset,
      'acknowledged',
      () => `the client was told that ${value} is in the log up to ${offset}; it is at ${at ?? 'no offset'}`,
    );
  }

  /** A client was told that its write has surely not happened. */
  refused(value: string): void {
    this.#refused.add(value);
    this.#findings.check(
      !this.#offsets.has(value),
      'exactly once',
      () => `the client was told that ${value} was refused, and it is at offset ${this.#offsets.get(value)}`,
    );
  }

  /** A server answered with the catalog as it is after the event at `offset`. */
  read(node: string, value: string | null, offset: number): void {
    const series = this.#series.get(node) ?? [];
    const expected = series.findLast((written) => written.offset <= offset)?.value ?? null;
    this.#findings.check(
      value === expected,
      'catalog and events agree',
      () => `${node} is read as ${value} at offset ${offset}, where the log says ${expected}`,
    );
  }
}
