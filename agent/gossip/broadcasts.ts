/**
 * What still has to be told. News rides on whatever packet leaves next, and each piece is put into a limited number
 * of packets in all: enough that everybody hears it with high probability, few enough that load stays flat.
 *
 * Fresh news first; among equals the longest that still fits, so that packets are full; then the newest.
 */
import { partOverhead, partsMax } from '../../proto/gossip/envelope.ts';
import { transmitLimit } from './scale.ts';

interface Broadcast {
  readonly bytes: Uint8Array;
  readonly order: number;
  /** News about the same name replaces older news; null never does. */
  readonly name: string | null;
  /** Told often enough, replaced or dropped. */
  readonly onDone: (() => void) | null;
  transmits: number;
}

/** A queue of one class of news. Messages are complete, with their type byte. */
export class BroadcastQueue {
  readonly #multiplier: number;
  readonly #members: () => number;
  readonly #entriesMax: number;
  readonly #onNews: () => void;
  /** By number of transmits so far; each tier is sorted, longest first. */
  readonly #tiers: Broadcast[][] = [];
  readonly #named = new Map<string, Broadcast>();
  #order = 0;
  #size = 0;

  /** `members` gives the number in the formula; beyond `entriesMax` the most repeated news is dropped. */
  constructor(options: {
    multiplier: number;
    members: () => number;
    entriesMax: number;
    onNews: () => void;
  }) {
    this.#multiplier = options.multiplier;
    this.#onNews = options.onNews;
    this.#members = options.members;
    this.#entriesMax = options.entriesMax;
  }

  get size(): number {
    return this.#size;
  }

  queue(bytes: Uint8Array, name: string | null = null, onDone: (() => void) | null = null): void {
    const old = name === null ? undefined : this.#named.get(name);
    if (old !== undefined) {
      this.#remove(old);
      old.onDone?.();
    }
    this.#order += 1;
    const broadcast: Broadcast = { bytes, order: this.#order, name, onDone, transmits: 0 };
    if (name !== null) this.#named.set(name, broadcast);
    this.#insert(broadcast);
    this.#prune();
    this.#onNews();
  }

  /** Takes messages for one packet with `room` bytes left for `partsLeft` parts, and counts the transmit. */
  take(room: number, partsLeft: number, into: Uint8Array[]): number {
    let used = 0;
    const taken: Broadcast[] = [];
    for (const tier of this.#tiers) {
      while (taken.length < partsLeft) {
        const index = firstThatFits(tier, room - used - partOverhead);
        if (index === tier.length) break;
        const [broadcast] = tier.splice(index, 1);
        taken.push(broadcast!);
        used += broadcast!.bytes.length + partOverhead;
      }
    }
    if (taken.length === 0) return 0;
    const limit = transmitLimit(this.#multiplier, this.#members());
    this.#size -= taken.length;
    for (const broadcast of taken) {
      into.push(broadcast.bytes);
      broadcast.transmits += 1;
      if (broadcast.transmits < limit) this.#insert(broadcast);
      else this.#finish(broadcast);
    }
    return used;
  }

  /** Nothing is left to tell; whoever waits is released. */
  clear(): void {
    const all = this.#tiers.flat();
    this.#tiers.length = 0;
    this.#size = 0;
    for (const broadcast of all) this.#finish(broadcast);
  }

  #finish(broadcast: Broadcast): void {
    if (broadcast.name !== null && this.#named.get(broadcast.name) === broadcast) {
      this.#named.delete(broadcast.name);
    }
    broadcast.onDone?.();
  }

  #insert(broadcast: Broadcast): void {
    while (this.#tiers.length <= broadcast.transmits) this.#tiers.push([]);
    const tier = this.#tiers[broadcast.transmits]!;
    tier.splice(placeOf(tier, broadcast), 0, broadcast);
    this.#size += 1;
  }

  #remove(broadcast: Broadcast): void {
    const tier = this.#tiers[broadcast.transmits]!;
    tier.splice(placeOf(tier, broadcast), 1);
    this.#size -= 1;
  }

  #prune(): void {
    for (let tier = this.#tiers.length - 1; this.#size > this.#entriesMax; ) {
      const dropped = this.#tiers[tier]!.pop();
      if (dropped === undefined) {
        tier -= 1;
        continue;
      }
      this.#size -= 1;
      this.#finish(dropped);
    }
  }
}

/**
 * All that one core has to tell. What fits into one packet goes into it; when there is more, packets take turns to begin with
 * news about members and with Serf's, or the death of many would keep an event waiting until all of it has been told.
 */
export class Broadcasts {
  /** memberlist's news about members. */
  readonly news: BroadcastQueue;
  /** Serf's intents, queries and user events. */
  readonly intents: BroadcastQueue;
  readonly queries: BroadcastQueue;
  readonly events: BroadcastQueue;
  readonly #orders: readonly (readonly BroadcastQueue[])[];
  #packets = 0;

  constructor(options: {
    multiplier: number;
    members: () => number;
    serfMembers: () => number;
    entriesMax: number;
    membersMax: number;
    onNews: () => void;
  }) {
    const { multiplier, entriesMax, members, membersMax, onNews } = options;
    const serf = { multiplier, members: options.serfMembers, entriesMax, onNews };
    this.news = new BroadcastQueue({ multiplier, members, entriesMax: membersMax, onNews });
    this.intents = new BroadcastQueue(serf);
    this.queries = new BroadcastQueue(serf);
    this.events = new BroadcastQueue(serf);
    const serfs = [this.intents, this.queries, this.events];
    this.#orders = [
      [this.news, ...serfs],
      [...serfs, this.news],
    ];
  }

  get size(): number {
    return this.news.size + this.intents.size + this.queries.size + this.events.size;
  }

  /** Messages for one packet that holds `parts` already and has `room` bytes left. */
  take(room: number, parts: number): Uint8Array[] {
    const messages: Uint8Array[] = [];
    let left = room;
    this.#packets += 1;
    for (const queue of this.#orders[this.#packets % this.#orders.length]!) {
      if (queue.size > 0) left -= queue.take(left, partsMax - parts - messages.length, messages);
    }
    return messages;
  }
}

/** Index in a tier that is sorted by falling length. */
function firstThatFits(tier: readonly Broadcast[], bytesMax: number): number {
  let from = 0;
  let to = tier.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (tier[middle]!.bytes.length > bytesMax) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Where a broadcast stands, or would stand: longest first, then newest. */
function placeOf(tier: readonly Broadcast[], broadcast: Broadcast): number {
  let from = 0;
  let to = tier.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    const other = tier[middle]!;
    const before =
      other.bytes.length > broadcast.bytes.length ||
      (other.bytes.length === broadcast.bytes.length && other.order > broadcast.order);
    if (before) from = middle + 1;
    else to = middle;
  }
  return from;
}
