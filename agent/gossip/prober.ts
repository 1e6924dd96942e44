/**
 * Asks one member after the other whether it is there, each round in a new random order: nobody waits longer than two
 * rounds for its turn, and the load of asking and being asked is the same in a cluster of five and of five thousand.
 */
import type { Beliefs } from './beliefs.ts';
import type { Deadline } from './deadlines.ts';
import type { Forgotten } from './members.ts';
import type { Parts } from './parts.ts';
import { Probe, type ProbeResult, witnessesWanted } from './probe.ts';
import type { MemberRecord } from './records.ts';
import type { Verdicts } from './verdicts.ts';

export interface ProberReports {
  onDirectAnswer(member: MemberRecord, rttMs: number, payload: Uint8Array | null): void;
  /** Dead and left members whose time is over; nobody gossips with them any more. */
  onForgotten(forgotten: readonly Forgotten[]): void;
}

export class Prober {
  readonly #parts: Parts;
  readonly #beliefs: Beliefs;
  readonly #verdicts: Verdicts;
  readonly #reports: ProberReports;
  #next = 0;
  #current: Probe | null = null;
  #tick: Deadline | null = null;
  #sweep: Deadline | null = null;

  constructor(options: {
    parts: Parts;
    beliefs: Beliefs;
    verdicts: Verdicts;
    reports: ProberReports;
  }) {
    this.#parts = options.parts;
    this.#beliefs = options.beliefs;
    this.#verdicts = options.verdicts;
    this.#reports = options.reports;
  }

  start(): void {
    const { config, deadlines, random } = this.#parts;
    // Hosts that start together shall not ask together.
    this.#tick = deadlines.after(random.unit() * config.probeIntervalMs, this.#onTick);
    this.#sweep = deadlines.after(config.reapIntervalMs, this.#onSweep);
  }

  stop(): void {
    this.#tick?.cancel();
    this.#sweep?.cancel();
    this.#current?.stop();
  }

  readonly #onTick = (): void => {
    const { config, deadlines } = this.#parts;
    this.#tick = deadlines.after(config.probeIntervalMs, this.#onTick);
    // A probe that takes longer swallows the ticks in between; catching up would be a burst.
    if (this.#current !== null) return;
    const number = this.#nextTarget();
    if (number !== undefined) this.#probe(number);
  };

  #probe(number: number): void {
    const { awareness, counters, members } = this.#parts;
    const target = members.record(number);
    counters.add('probes');
    this.#current = new Probe({
      parts: this.#parts,
      target,
      effort: 'regular',
      onDone: (result) => {
        this.#current = null;
        if (result.answered) {
          awareness.onProbeSucceeded();
          const { direct } = result;
          if (direct !== null) this.#reports.onDirectAnswer(target, direct.rttMs, direct.payload);
        } else this.#onFailed(target, result);
      },
    });
  }

  #onFailed(target: MemberRecord, result: ProbeResult): void {
    const { awareness, counters, deadlines, members, self } = this.#parts;
    counters.add('probes_failed');
    const proven = result.refusedBy.length >= witnessesWanted;
    // A host that told two of us "nobody is there" says nothing about our own health.
    if (!proven) awareness.onProbeFailed(result.nacksExpected, result.nacksReceived);
    if (!members.knows(target.number)) return;
    const incarnation = members.incarnation(target.number);
    this.#beliefs.hearSuspect(
      { type: 'suspect', incarnation, node: target.name, from: self.name },
      result.evidence,
    );
    if (proven) this.#verdicts.onRefused(target.number, result.refusedMs ?? deadlines.nowMs());
  }

  /** The next member that is worth asking; undefined when a whole round has none. */
  #nextTarget(): number | undefined {
    const { members, self } = this.#parts;
    for (let looked = 0; looked <= members.count; looked++) {
      if (this.#next >= members.order.length) this.#beginRound();
      const number = members.order[this.#next]!;
      this.#next += 1;
      const belief = members.belief(number);
      if (number !== self.number && (belief === 'alive' || belief === 'suspect')) return number;
    }
    return undefined;
  }

  #beginRound(): void {
    this.#parts.members.shuffle();
    this.#next = 0;
  }

  /** Forgets the dead and the left of long ago; their names are free for anybody. */
  readonly #onSweep = (): void => {
    const { config, deadlines, members } = this.#parts;
    this.#sweep = deadlines.after(config.reapIntervalMs, this.#onSweep);
    const oldMs = deadlines.nowMs() - config.gossipToTheDeadMs;
    const isOver = (number: number) => {
      const belief = members.belief(number);
      return (belief === 'dead' || belief === 'left') && members.sinceMs(number) <= oldMs;
    };
    const asked = members.order.slice(0, this.#next);
    const forgotten = members.forget(isOver);
    if (forgotten.length === 0) return;
    // The round goes on where it was.
    this.#next = asked.filter((number) => members.knows(number)).length;
    this.#reports.onForgotten(forgotten);
  };
}
