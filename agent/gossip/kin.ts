/** Members of our own kind, known by a tag, and what only they are told. */
import { decodeKin, encodeKin, type KinMessage, kinMark } from '../../proto/gossip/kin.ts';
import type { Endpoint } from '../../proto/ports.ts';
import { addressOf } from './addresses.ts';
import type { Parts } from './parts.ts';

/** How often a member is told the same about its address. */
const seenIntervalMs = 600_000;
const seenMax = 256;

export class Kin {
  readonly #parts: Parts;
  /** When we last told a member that its address is not what it thinks. */
  readonly #toldSeen = new Map<string, number>();

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

  /** A packet of this member came from elsewhere than it says: translated on the way, or wrongly configured. */
  noticeSource(name: string, from: Endpoint): void {
    const { deadlines, members, outbox, records, self } = this.#parts;
    const number = records.numberOf(name);
    if (!members.knows(number)) return;
    const { endpoint } = members.record(number);
    if ((endpoint.host === from.host && endpoint.port === from.port) || !this.isKin(name)) return;
    const nowMs = deadlines.nowMs();
    if (nowMs - (this.#toldSeen.get(name) ?? Number.NEGATIVE_INFINITY) < seenIntervalMs) return;
    if (this.#toldSeen.size >= seenMax) this.#toldSeen.clear();
    this.#toldSeen.set(name, nowMs);
    const seen = { type: 'kin.seen' as const, from: self.name, addr: addressOf(from.host), port: from.port };
    outbox.post(endpoint, { type: 'user', payload: encodeKin(seen) });
  }

  /** The message in a user payload: undefined when it is none of ours, null when it is one that we cannot read. */
  read(payload: Uint8Array): KinMessage | null | undefined {
    if (payload[0] !== kinMark) return undefined;
    const { message } = decodeKin(payload);
    if (message === undefined) this.#parts.counters.add('kin_refused');
    return message ?? null;
  }
}
