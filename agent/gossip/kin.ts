/** Members of our own kind, known by a tag, and what only they are told. */
import { decodeKin, encodeKin, kinMark } from '../../proto/gossip/kin.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { Acks } from './acks.ts';
import type { Parts } from './parts.ts';

export class Kin {
  readonly #parts: Parts;
  readonly #acks: Acks;

  constructor(parts: Parts, acks: Acks) {
    this.#parts = parts;
    this.#acks = acks;
  }

  isKin(name: string): boolean {
    const { config, members, records } = this.#parts;
    const number = records.numberOf(name);
    return members.knows(number) && members.record(number).tags.has(config.kinTag);
  }

  sendRefused(to: Endpoint, seqNo: number): void {
    const { outbox, self } = this.#parts;
    outbox.post(to, { type: 'user', payload: encodeKin({ type: 'kin.refused', seqNo, from: self.name }) });
  }

  /** True when the payload was ours to read, readable or not. */
  receive(payload: Uint8Array): boolean {
    if (payload[0] !== kinMark) return false;
    const { message } = decodeKin(payload);
    if (message === undefined) this.#parts.counters.add('kin_refused');
    else this.#acks.receiveRefusal(message.seqNo, message.from);
    return true;
  }
}
