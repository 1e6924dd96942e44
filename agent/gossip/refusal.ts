/**
 * A process that is gone is told apart from one that is silent: its host answers "nobody is there". Silence may be
 * our own fault, a refusal is not. Still nobody is condemned at once: the process may be restarting, and one witness
 * may have a broken way there. So: two witnesses, a grace, and then the same two questions again.
 *
 * Evidence is a refused TCP connection, which nobody can forge without seeing our packets, and the word of a helper
 * of our own kind, which is sealed where encryption is on.
 */
import type { Acks } from './acks.ts';
import type { Beliefs } from './beliefs.ts';
import type { Deadline } from './deadlines.ts';
import type { Exchanges } from './exchanges.ts';
import type { Parts } from './parts.ts';
import { Probe, type ProbeResult, witnessesWanted } from './probe.ts';

/** Second looks that may be under way; a switch that dies takes more hosts with it, but those are silent. */
const casesMax = 64;

export class Refusals {
  readonly #parts: Parts;
  readonly #acks: Acks;
  readonly #exchanges: Exchanges;
  readonly #beliefs: Beliefs;
  readonly #cases = new Map<number, { wait: Deadline; probe: Probe | null }>();

  constructor(options: { parts: Parts; acks: Acks; exchanges: Exchanges; beliefs: Beliefs }) {
    this.#parts = options.parts;
    this.#acks = options.acks;
    this.#exchanges = options.exchanges;
    this.#beliefs = options.beliefs;
  }

  /** A probe has ended with enough witnesses, and the member is suspect because of it. */
  onProven(number: number): void {
    const { config, counters, deadlines, members } = this.#parts;
    if (this.#cases.has(number) || this.#cases.size >= casesMax) return;
    if (members.belief(number) !== 'suspect') return;
    counters.add('refusals');
    const wait = deadlines.after(config.refusalGraceMs, () => this.#lookAgain(number));
    this.#cases.set(number, { wait, probe: null });
  }

  stop(): void {
    for (const { wait, probe } of this.#cases.values()) {
      wait.cancel();
      probe?.stop();
    }
    this.#cases.clear();
  }

  #lookAgain(number: number): void {
    const { members } = this.#parts;
    const open = this.#cases.get(number);
    if (open === undefined || members.belief(number) !== 'suspect') {
      this.#cases.delete(number);
      return;
    }
    open.probe = new Probe({
      parts: this.#parts,
      acks: this.#acks,
      exchanges: this.#exchanges,
      target: members.record(number),
      urgent: true,
      onDone: (result) => this.#conclude(number, result),
    });
  }

  #conclude(number: number, result: ProbeResult): void {
    this.#cases.delete(number);
    if (result.answered || result.refusedBy.length < witnessesWanted) return;
    const suspicion = this.#beliefs.suspicionOf(number);
    if (suspicion === undefined) return;
    this.#parts.counters.add('verdicts_by_refusal');
    this.#beliefs.condemn(suspicion, { reason: 'refused', evidence: result.evidence });
  }
}
