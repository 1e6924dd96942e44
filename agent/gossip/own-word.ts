/**
 * Our own word about ourselves: we announce what we are, object to whoever says otherwise, and say goodbye. Nobody else
 * raises our incarnation, so whatever is said of us is outdone by one more.
 */
import {
  type Alive,
  type Dead,
  incarnationMax,
  type PacketMessage,
  type Suspect,
} from '../../proto/gossip/messages.ts';
import { sameBytes } from './addresses.ts';
import { ageOf, ownLaw } from './members.ts';
import type { Parts } from './parts.ts';
import type { Announcement, MemberRecord } from './records.ts';

export interface OwnWordReports {
  /** Our own entry is another one: first announced, refuted, new tags. */
  onSelf(): void;
  /** Somebody else announces our name at another address. */
  onConflict(existing: MemberRecord, other: Announcement): void;
}

/** Members that hear a goodbye from ourselves; among more than these gossip finds somebody who lives. */
const toldDirectlyMax = 32;

export class OwnWord {
  readonly #parts: Parts;
  readonly #reports: OwnWordReports;

  constructor(parts: Parts, reports: OwnWordReports) {
    this.#parts = parts;
    this.#reports = reports;
  }

  /** At the start and whenever our tags change. */
  announce(onTold: (() => void) | null = null): void {
    const { self } = this.#parts;
    self.incarnation += 1;
    this.#tellOwnAlive(onTold);
  }

  hearAlive(message: Alive): void {
    const { counters, records, self } = this.#parts;
    if (self.state !== 'present') return;
    const isOurs = self.record.sameAddress(message);
    const other = isOurs ? self.record : records.intern(message);
    if (other === undefined) return;
    // Our own past under another address is ours to correct; somebody else's present is a conflict at any incarnation.
    if (!isOurs && !self.record.hasSameOwner(other)) {
      counters.add('name_conflicts');
      this.#reports.onConflict(self.record, message);
      return;
    }
    const move = ownLaw[self.state].alive[ageOf(message.incarnation, self.incarnation)];
    if (move === 'ignore' || (move === 'compare' && isOurs && this.#saysWhatWeSay(message))) return;
    this.#refute(message.incarnation);
  }

  hearAccusation(news: 'suspect' | 'dead' | 'left', message: Suspect | Dead): void {
    const { self } = this.#parts;
    if (ownLaw[self.state][news][ageOf(message.incarnation, self.incarnation)] === 'refute') {
      this.#refute(message.incarnation);
    }
  }

  /**
   * Says goodbye; `onTold` when it has been told often enough. Gossip alone may tell nobody but members that are gone as well
   * and have not been missed yet, so those that seem to be there hear it from us as well, at the beginning and at the end.
   */
  sayGoodbye(onTold: () => void): void {
    const { deadlines, members, outbox, self } = this.#parts;
    const { name: node, incarnation } = self;
    const goodbye = { type: 'dead' as const, incarnation, node, from: node };
    self.state = 'gone';
    members.mark(self.number, 'left', incarnation, deadlines.nowMs());
    this.#sayDirectly(goodbye);
    outbox.tell(goodbye, () => {
      this.#sayDirectly(goodbye);
      onTold();
    });
  }

  #sayDirectly(message: PacketMessage): void {
    const { members, outbox } = this.#parts;
    const { order } = members;
    const alive = order.filter((number) => members.belief(number) === 'alive');
    const suspect = order.filter((number) => members.belief(number) === 'suspect');
    for (const number of [...alive, ...suspect].slice(0, toldDirectlyMax)) {
      outbox.postTo(members.record(number), message);
    }
  }

  #refute(accusedIncarnation: number): void {
    const { awareness, counters, self } = this.#parts;
    if (accusedIncarnation >= incarnationMax) {
      counters.add('refutations_impossible');
      return;
    }
    self.incarnation = Math.max(self.incarnation, accusedIncarnation) + 1;
    awareness.onRefuted();
    counters.add('refutations');
    this.#tellOwnAlive(null);
  }

  #tellOwnAlive(onTold: (() => void) | null): void {
    const { deadlines, members, outbox, self } = this.#parts;
    members.announce(self.record, self.incarnation, deadlines.nowMs());
    outbox.tell(self.alive(), onTold);
    this.#reports.onSelf();
  }

  #saysWhatWeSay(message: Alive): boolean {
    const { record } = this.#parts.self;
    return sameBytes(record.meta, message.meta) && sameBytes(record.vsn, message.vsn);
  }
}
