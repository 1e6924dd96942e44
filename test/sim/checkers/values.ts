/**
 * Exactly once: an operation writes a value, however often it is sent; now and then a later one of the same client writes the
 * same value again. The events of a value are no more than its operations, at least one when one was acknowledged, none when
 * all were refused; and whatever is read at an offset is what the log says up to that offset.
 */
import type { HealthEvent } from '../../../proto/schema/event.ts';
import type { Findings } from './findings.ts';

/** The check whose status is the value. */
export const valueCheck = 'value';

export class ValuesChecker {
  readonly #findings: Findings;
  /** By value: operations that may have written it. */
  readonly #operations = new Map<string, number>();
  /** By value: offsets of its events. */
  readonly #offsets = new Map<string, number[]>();
  /** By node: the values in the order of the log. */
  readonly #series = new Map<string, { offset: number; value: string }[]>();

  constructor(findings: Findings) {
    this.#findings = findings;
  }

  /** A client begins an operation that writes this value. */
  invoked(value: string): void {
    this.#operations.set(value, (this.#operations.get(value) ?? 0) + 1);
  }

  /** A new event of the log. */
  entered({ Kind, Node, Check, To, Offset }: HealthEvent): void {
    if (Check !== valueCheck || !(Kind === 'check.added' || Kind === 'check.changed')) return;
    const offsets = this.#offsets.get(To) ?? [];
    this.#offsets.set(To, offsets);
    offsets.push(Offset);
    this.#checkCount(To);
    const series = this.#series.get(Node) ?? [];
    this.#series.set(Node, series);
    series.push({ offset: Offset, value: To });
  }

  /** A client was told that its write to this node is done, and that the log went up to this offset then. */
  acknowledged(node: string, value: string, offset: number): void {
    const then = this.#valueAt(node, offset);
    this.#findings.check(
      then === value,
      'acknowledged',
      () => `the client was told that ${value} is written at offset ${offset}, where the log says ${then}`,
    );
  }

  /** A client was told that this operation has surely not happened. */
  refused(value: string): void {
    this.#operations.set(value, this.#operations.get(value)! - 1);
    this.#checkCount(value);
  }

  /** A server answered with the catalog as it is after the event at `offset`. */
  read(node: string, value: string | null, offset: number): void {
    const expected = this.#valueAt(node, offset);
    this.#findings.check(
      value === expected,
      'catalog and events agree',
      () => `${node} is read as ${value} at offset ${offset}, where the log says ${expected}`,
    );
  }

  #checkCount(value: string): void {
    const offsets = this.#offsets.get(value) ?? [];
    const operations = this.#operations.get(value) ?? 0;
    this.#findings.check(
      offsets.length <= operations,
      'exactly once',
      () => `${value} is at the offsets ${offsets.join()}, and ${operations} operations may have written it`,
    );
  }

  #valueAt(node: string, offset: number): string | null {
    const series = this.#series.get(node) ?? [];
    return series.findLast((written) => written.offset <= offset)?.value ?? null;
  }
}
