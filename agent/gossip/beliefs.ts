/**
 * News comes in, beliefs change, news goes out. Every change of the member table happens here, by the law of
 * `members.ts`, and what is believed is also passed on. What is said about ourselves is answered in `own-word.ts`.
 */
import type { Alive, Dead, PushNodeState, Suspect } from '../../proto/gossip/messages.ts';
import { metaBytesMax } from '../../proto/gossip/tags.ts';
import type { ProbeEvidence } from './dossier.ts';
import { ageOf, law } from './members.ts';
import type { OwnWord } from './own-word.ts';
import type { Parts } from './parts.ts';
import type { Announcement, MemberRecord } from './records.ts';
import { confirmationsWanted, suspicionMinMs } from './scale.ts';
import { Suspicion } from './suspicion.ts';

/** Our own last look has ended a suspicion. */
export interface Verdict {
  readonly suspicion: Suspicion;
  readonly reason: 'silence' | 'refused';
  /** The last look, which settled it; null where there is none. */
  readonly evidence: ProbeEvidence | null;
}

/** What the layer above hears of. */
export interface BeliefReports {
  /** Alive, and not before: unknown, dead or left. */
  onAlive(number: number): void;
  /** Alive as before, under another announcement. */
  onUpdated(number: number): void;
  /** We remember as many members as we may: those that are long gone should make room. */
  onFull(): void;
  /** Suspect now, or not any more. */
  onSuspicion(number: number): void;
  /** The time of a suspicion is up, unless one last look at the suspect says otherwise. */
  onTimeUp(suspicion: Suspicion): void;
  /** Gone, by somebody's word (null) or by our own verdict. */
  onGone(number: number, verdict: Verdict | null): void;
  /** Somebody else announces a name that is in use at another address. */
  onConflict(existing: MemberRecord, other: Announcement): void;
}

/** Gossip about a member goes on for a few seconds after its end. */
const lateNewsMs = 10_000;
const toldTheDeadMax = 256;
/** Names are host names mostly; Serf's own limit, where one sets it, is 128. */
const nameLengthMax = 255;

export class Beliefs {
  readonly #parts: Parts;
  readonly #ownWord: OwnWord;
  readonly #reports: BeliefReports;
  readonly #suspicions = new Map<number, Suspicion>();
  /** When we last told somebody that it counts as dead. */
  readonly #toldTheDead = new Map<number, number>();

  constructor(options: { parts: Parts; ownWord: OwnWord; reports: BeliefReports }) {
    this.#parts = options.parts;
    this.#ownWord = options.ownWord;
    this.#reports = options.reports;
  }

  hearAlive(message: Alive): void {
    const { counters, members, records, self } = this.#parts;
    if (!isPlausible(message)) {
      counters.add('alive_refused');
      return;
    }
    if (message.node === self.name) {
      this.#ownWord.hearAlive(message);
      return;
    }
    if (!this.#hasRoomFor(message.node)) {
      counters.add('members_refused');
      return;
    }
    const record = records.intern(message);
    if (record === undefined) {
      counters.add('alive_refused');
      return;
    }
    const { number } = record;
    const belief = members.belief(number);
    let moved = false;
    if (belief !== 'unknown' && !members.record(number).sameAddress(message)) {
      if (!this.#mayMove(members.record(number), record, message.incarnation)) {
        counters.add('name_conflicts');
        this.#reports.onConflict(members.record(number), message);
        return;
      }
      moved = true;
    }
    const age = ageOf(message.incarnation, members.incarnation(number));
    if (!moved && law[belief].alive[age] === 'ignore') {
      if (belief === 'dead' || belief === 'left') this.#tellTheDead(record, belief);
      return;
    }
    this.#endSuspicion(number);
    const updated = belief === 'unknown' || members.record(number) !== record;
    members.announce(record, message.incarnation, this.#parts.deadlines.nowMs());
    this.#parts.outbox.tell(message);
    if (belief === 'unknown' || belief === 'dead' || belief === 'left') this.#reports.onAlive(number);
    else {
      if (belief === 'suspect') this.#reports.onSuspicion(number);
      if (updated) this.#reports.onUpdated(number);
    }
  }

  /** `evidence` comes with our own accusations. */
  hearSuspect(message: Suspect, evidence: ProbeEvidence | null = null): void {
    const { deadlines, members, records, self } = this.#parts;
    if (message.node === self.name) {
      this.#ownWord.hearAccusation('suspect', message);
      return;
    }
    const number = records.numberOf(message.node);
    if (!members.knows(number)) return;
    const belief = members.belief(number);
    const move = law[belief].suspect[ageOf(message.incarnation, members.incarnation(number))];
    if (move === 'confirm') {
      if (this.#suspicions.get(number)?.confirm(message.from, evidence)) this.#parts.outbox.tell(message);
    } else if (move === 'believe') {
      members.mark(number, 'suspect', message.incarnation, deadlines.nowMs());
      this.#suspicions.set(number, this.#suspicionOf(number, message, evidence));
      this.#parts.outbox.tell(message);
      this.#reports.onSuspicion(number);
    }
  }

  hearDead(message: Dead, verdict: Verdict | null = null): void {
    const { deadlines, members, records, self } = this.#parts;
    const news = message.from === message.node ? 'left' : 'dead';
    if (message.node === self.name) {
      this.#ownWord.hearAccusation(news, message);
      return;
    }
    const number = records.numberOf(message.node);
    if (!members.knows(number)) return;
    const age = ageOf(message.incarnation, members.incarnation(number));
    if (law[members.belief(number)][news][age] !== 'believe') return;
    this.#endSuspicion(number);
    members.mark(number, news, message.incarnation, deadlines.nowMs());
    this.#parts.outbox.tell(message);
    this.#reports.onGone(number, verdict);
  }

  /** Somebody else's table. Its belief that a member is dead is for us only a reason to suspect. */
  merge(nodes: readonly PushNodeState[]): void {
    const { self } = this.#parts;
    for (const { name: node, state, incarnation, addr, port, meta, vsn } of nodes) {
      switch (state) {
        case 'alive':
          this.hearAlive({ type: 'alive', incarnation, node, addr, port, meta, vsn });
          break;
        case 'left':
          this.hearDead({ type: 'dead', incarnation, node, from: node });
          break;
        case 'dead':
        case 'suspect':
          this.hearSuspect({ type: 'suspect', incarnation, node, from: self.name });
          break;
        case 'unknown':
          this.#parts.counters.add('states_unknown');
      }
    }
  }

  /** Our own verdict; a suspicion that has been settled since leads to nothing. */
  condemn(suspicion: Suspicion, why: Omit<Verdict, 'suspicion'>): void {
    if (!this.isOpen(suspicion)) return;
    const { members, self } = this.#parts;
    const { number, incarnation } = suspicion;
    const node = members.record(number).name;
    this.hearDead({ type: 'dead', incarnation, node, from: self.name }, { suspicion, ...why });
  }

  /** The suspect has neither refuted nor been settled, so this suspicion still matters. */
  isOpen({ number, incarnation }: Suspicion): boolean {
    const { members } = this.#parts;
    return members.belief(number) === 'suspect' && members.incarnation(number) === incarnation;
  }

  suspicionOf(number: number): Suspicion | undefined {
    return this.#suspicions.get(number);
  }

  stop(): void {
    for (const suspicion of this.#suspicions.values()) suspicion.cancel();
    this.#suspicions.clear();
  }

  #hasRoomFor(name: string): boolean {
    const { config, members, records, roll } = this.#parts;
    if (members.knows(records.numberOf(name)) || roll.numberOf(name) !== undefined) return true;
    if (roll.count >= config.membersMax) this.#reports.onFull();
    return roll.count < config.membersMax && members.count < config.membersMax;
  }

  /**
   * May this name move to another address? Yes when its holder has said goodbye or is dead, or when it is the same
   * agent (same data folder) with a newer word, as after a quick restart elsewhere.
   */
  #mayMove(existing: MemberRecord, other: MemberRecord, incarnation: number): boolean {
    const { members } = this.#parts;
    const belief = members.belief(existing.number);
    if (belief === 'left' || belief === 'dead') return true;
    return existing.hasSameOwner(other) && incarnation > members.incarnation(existing.number);
  }

  #suspicionOf(number: number, message: Suspect, evidence: ProbeEvidence | null): Suspicion {
    const { config, deadlines, members, random } = this.#parts;
    const minMs = suspicionMinMs(config.suspicionMultiplier, members.count, config.probeIntervalMs);
    return new Suspicion({
      number,
      incarnation: message.incarnation,
      accuser: message.from,
      evidence,
      minMs,
      maxMs: minMs * config.suspicionMaxTimeoutMultiplier,
      confirmationsWanted: confirmationsWanted(config.suspicionMultiplier, members.count),
      config,
      deadlines,
      random,
      onTimeUp: (suspicion) => this.#reports.onTimeUp(suspicion),
    });
  }

  /**
   * A member that has come back without knowing how it stood announces itself in vain. It is told, and will speak
   * louder; not right after its end, when old news of it is still about.
   */
  #tellTheDead(record: MemberRecord, belief: 'dead' | 'left'): void {
    const { deadlines, members, outbox, self } = this.#parts;
    const { name: node, number } = record;
    const nowMs = deadlines.nowMs();
    if (nowMs - members.sinceMs(number) < lateNewsMs) return;
    if (nowMs - (this.#toldTheDead.get(number) ?? Number.NEGATIVE_INFINITY) < lateNewsMs) return;
    if (this.#toldTheDead.size >= toldTheDeadMax) this.#toldTheDead.clear();
    this.#toldTheDead.set(number, nowMs);
    const from = belief === 'left' ? node : self.name;
    outbox.postTo(record, { type: 'dead', incarnation: members.incarnation(number), node, from });
  }

  #endSuspicion(number: number): void {
    this.#suspicions.get(number)?.cancel();
    this.#suspicions.delete(number);
  }
}

/** What is taken is also passed on, so it has to fit into a packet; memberlist owners keep to the same limit of tags. */
function isPlausible({ incarnation, meta, node, vsn }: Alive): boolean {
  const fits = node.length > 0 && node.length <= nameLengthMax && meta.length <= metaBytesMax;
  return fits && incarnation > 0 && isVersionPlausible(vsn);
}

/** Six bytes, or none from very old members; those would make every later exchange of ours fail, so they are not taken. */
function isVersionPlausible(vsn: Uint8Array): boolean {
  return vsn.length === 6 && vsn[0]! > 0 && vsn[1]! >= vsn[0]!;
}
