/**
 * Before a member is called dead, it is looked for once more. Two ways lead here:
 *
 * - *Silence*: the time of a suspicion is nearly up. Whoever saw the silence itself looks again over every path, just
 *   before the end, so that the verdict comes no later for it. Others, who know of it by hearsay, leave the first word
 *   to the witnesses and then ask at least once themselves.
 * - *Refusal*: the host of the suspect answers "nobody is there". Silence may be our own fault, a refusal is not; but the
 *   process may be restarting, and one witness may have a broken way there. So: two witnesses, a grace, and then the same
 *   questions again. What counts as one is said in `refusal.ts`; the word of a helper of our own kind is sealed where
 *   encryption is on.
 */
import type { Beliefs } from './beliefs.ts';
import type { Deadline } from './deadlines.ts';
import type { Parts } from './parts.ts';
import { Probe, type ProbeResult, witnessesWanted } from './probe.ts';
import type { Suspicion } from './suspicion.ts';

/** Refused members that are watched at once; a switch that dies takes more with it, but those are silent. */
const graceMax = 64;
/** Probe intervals without a packet of anybody; usually each brings an ack, and a question or two. */
const deafAfterProbes = 3;
/** A verdict of somebody who hears nobody falls after this many times the longest suspicion. */
const deafPatience = 2;

export class Verdicts {
  readonly #parts: Parts;
  readonly #beliefs: Beliefs;
  readonly #graces = new Map<number, Deadline>();
  readonly #looks = new Map<number, Probe>();

  constructor(options: { parts: Parts; beliefs: Beliefs }) {
    this.#parts = options.parts;
    this.#beliefs = options.beliefs;
  }

  /** The time of a suspicion is up, or will be when this look has ended. */
  onTimeUp(suspicion: Suspicion): void {
    if (!this.#parts.config.lastLook) {
      this.#beliefs.condemn(suspicion, { reason: 'silence', evidence: null });
      return;
    }
    this.#look(suspicion, (result) => {
      if (result.answered) {
        // It lives, and has heard from us that it is suspected: it will say so itself.
        this.#parts.counters.add('verdicts_withdrawn');
        suspicion.extend();
      } else if (this.#isDeaf(suspicion)) {
        this.#parts.counters.add('verdicts_postponed');
        suspicion.extend();
      } else this.#condemn(suspicion, result);
    });
  }

  /** A probe was refused in front of enough witnesses, since `refusedMs`, and the member is suspect because of it. */
  onRefused(number: number, refusedMs: number): void {
    const { config, counters, deadlines } = this.#parts;
    if (this.#graces.has(number) || this.#graces.size >= graceMax) return;
    counters.add('refusals');
    const leftMs = refusedMs + config.refusalGraceMs - deadlines.nowMs();
    const grace = deadlines.after(Math.max(0, leftMs), () => {
      this.#graces.delete(number);
      const suspicion = this.#beliefs.suspicionOf(number);
      if (suspicion === undefined) return;
      this.#look(suspicion, (result) => {
        if (isRefused(result)) this.#condemn(suspicion, result);
      });
    });
    this.#graces.set(number, grace);
  }

  stop(): void {
    for (const grace of this.#graces.values()) grace.cancel();
    for (const look of this.#looks.values()) look.stop();
    this.#graces.clear();
    this.#looks.clear();
  }

  /**
   * We hear nobody, although others should be there: then the silence of one says nothing. Not for ever, because all of them
   * may be gone as well.
   */
  #isDeaf({ maxMs, number, startedMs }: Suspicion): boolean {
    const { awareness, config, deadlines, members, self } = this.#parts;
    const nowMs = deadlines.nowMs();
    if (awareness.silenceMs(nowMs) < deafAfterProbes * config.probeIntervalMs) return false;
    if (nowMs - startedMs >= deafPatience * maxMs) return false;
    const isThere = (other: number) => other !== self.number && other !== number;
    return members.order.some((other) => isThere(other) && members.belief(other) === 'alive');
  }

  #look(suspicion: Suspicion, onDone: (result: ProbeResult) => void): void {
    const { members } = this.#parts;
    const { number } = suspicion;
    if (this.#looks.has(number) || !this.#beliefs.isOpen(suspicion)) return;
    const probe = new Probe({
      parts: this.#parts,
      target: members.record(number),
      effort: suspicion.evidence === null && !suspicion.extended ? 'brief' : 'urgent',
      onDone: (result) => {
        this.#looks.delete(number);
        if (this.#beliefs.isOpen(suspicion)) onDone(result);
      },
    });
    this.#looks.set(number, probe);
  }

  #condemn(suspicion: Suspicion, result: ProbeResult): void {
    const reason = isRefused(result) ? 'refused' : 'silence';
    this.#parts.counters.add(`verdicts_by_${reason}`);
    this.#beliefs.condemn(suspicion, { reason, evidence: result.evidence });
  }
}

function isRefused({ answered, refusedBy }: ProbeResult): boolean {
  return !answered && refusedBy.length >= witnessesWanted;
}
