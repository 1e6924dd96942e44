/** One reader of the event log: it must be told of every event, once and in order, or of a gap. */
import type { StreamRecord } from '../../../proto/schema/event.ts';
import type { Findings } from './findings.ts';
import type { Ledger } from './ledger.ts';

export class ListenerChecker {
  readonly #findings: Findings;
  readonly #ledger: Ledger;
  readonly #name: string;
  /** Offset of the last event that it was told of, or of the end of a gap. */
  at: number;
  events = 0;
  gaps = 0;

  constructor(findings: Findings, ledger: Ledger, name: string, after = 0) {
    this.#findings = findings;
    this.#ledger = ledger;
    this.#name = name;
    this.at = after;
  }

  receive(record: StreamRecord): void {
    if ('Offset' in record) {
      this.#findings.check(
        record.Offset === this.at + 1,
        'listener',
        () => `${this.#name} is told of event ${record.Offset} after ${this.at}`,
      );
      this.#ledger.compare(this.#name, record);
      this.at = record.Offset;
      this.events += 1;
    } else if ('Gap' in record) {
      const { From, To } = record.Gap;
      this.#findings.check(
        From === this.at + 1 && To >= From,
        'listener',
        () => `${this.#name} is told of a gap from ${From} to ${To} after ${this.at}`,
      );
      this.at = To;
      this.gaps += 1;
    } else if ('Position' in record) {
      this.#findings.check(
        record.Position === this.at,
        'listener',
        () => `${this.#name} is said to stand at ${record.Position} and stands at ${this.at}`,
      );
    } else {
      this.#findings.add('listener', `${this.#name} is told: ${record.Error.Code} ${record.Error.Message}`);
    }
  }
}
