/** Members of our own kind, known by a tag, and what only they are told. */
import { decodeKin, encodeKin, type KinMessage, kinMark } from '../../proto/gossip/kin.ts';
import type { Endpoint } from '../../proto/ports.ts';
import type { Parts } from './parts.ts';

export class Kin {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
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

  /** The message in a user payload: undefined when it is none of ours, null when it is one that we cannot read. */
  read(payload: Uint8Array): KinMessage | null | undefined {
    if (payload[0] !== kinMark) return undefined;
    const { message } = decodeKin(payload);
    if (message === undefined) this.#parts.counters.add('kin_refused');
    return message ?? null;
  }
}
