/** User events: told to everybody, delivered once. A ring of what was heard lately recognises repetitions. */
import { ExpectedError } from '../../../proto/errors.ts';
import type { RecentEvents, SerfUserEvent } from '../../../proto/gossip/messages.ts';
import { encodeSerf } from '../../../proto/gossip/serf.ts';
import { sameBytes } from '../addresses.ts';
import type { GossipConfig } from '../config.ts';
import type { Counters } from '../counters.ts';
import { hashBytes, hashText, mix } from '../hash.ts';
import type { UserEvent } from '../membership.ts';
import type { LamportClock } from './lamport.ts';

const nothing = new Uint8Array(0);

interface Slot {
  readonly ltime: number;
  readonly events: { readonly name: string; readonly payload: Uint8Array }[];
}

/** No honest agent sends a larger event; Serf's own hard limit. */
const eventBytesHardMax = 9_216;
/** What the ring may hold in all; beyond, the oldest events are forgotten, and not taken again. */
const ringBytesMax = 4 * 1_024 * 1_024;

export class UserEvents {
  readonly #config: GossipConfig;
  readonly #clock: LamportClock;
  readonly #counters: Counters;
  readonly #deliver: (event: UserEvent) => void;
  #ring: (Slot | undefined)[] = [];
  #ringBytes = 0;
  #hash = 0;
  /** Events from before this time are not ours to hear. */
  #minTime = 0;

  constructor(options: {
    config: GossipConfig;
    clock: LamportClock;
    counters: Counters;
    deliver: (event: UserEvent) => void;
  }) {
    this.#config = options.config;
    this.#clock = options.clock;
    this.#counters = options.counters;
    this.#deliver = options.deliver;
  }

  /** Nothing older than this is delivered any more: we have joined late, or have heard it before a restart. */
  ignoreBefore(ltime: number): void {
    this.#minTime = Math.max(this.#minTime, ltime);
  }

  /** The encoded event, delivered here already. Throws BAD_REQUEST when it is too large for one packet. */
  fire(name: string, payload: Uint8Array, coalesce: boolean): Uint8Array {
    const { userEventBytesMax } = this.#config;
    const size = Buffer.byteLength(name) + payload.length;
    const ltime = this.#clock.next;
    const event: SerfUserEvent = { type: 'serf.userEvent', ltime, name, payload, cc: coalesce };
    const encoded = encodeSerf(event);
    if (size > userEventBytesMax || encoded.length > userEventBytesMax) {
      throw new ExpectedError(
        'BAD_REQUEST',
        `a user event may take ${userEventBytesMax} bytes with everything; "${name}" takes ${encoded.length}`,
      );
    }
    this.hear(event);
    return encoded;
  }

  /** True when it was new, and has been delivered. */
  hear(event: SerfUserEvent): boolean {
    this.#clock.witness(event.ltime);
    const { recentMessagesMax } = this.#config;
    if (event.ltime < this.#minTime || event.ltime + recentMessagesMax < this.#clock.next) return false;
    if (event.name.length + (event.payload?.length ?? 0) > eventBytesHardMax) {
      this.#counters.add('user_events_refused');
      return false;
    }
    // Byte fields are views into the packet; what is kept is copied.
    const payload = event.payload === null ? nothing : event.payload.slice();
    if (!this.#remember(event.ltime, event.name, payload)) return false;
    this.#deliver({ name: event.name, payload, ltime: event.ltime, coalesce: event.cc });
    return true;
  }

  /** Of everything in the ring, for comparing it with another one. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** What others may have missed, for a full exchange. */
  recent(): RecentEvents[] {
    return this.#ring.filter((slot) => slot !== undefined);
  }

  hearRecent(recent: readonly (RecentEvents | null)[]): void {
    for (const slot of recent) {
      for (const { name, payload } of slot?.events ?? []) {
        this.hear({ type: 'serf.userEvent', ltime: slot!.ltime, name, payload, cc: false });
      }
    }
  }

  #remember(ltime: number, name: string, payload: Uint8Array): boolean {
    const index = ltime % this.#config.recentMessagesMax;
    let slot = this.#ring[index];
    if (slot?.ltime !== ltime) {
      this.#empty(index);
      slot = { ltime, events: [] };
      this.#ring[index] = slot;
    }
    if (slot.events.some((event) => event.name === name && sameBytes(event.payload, payload))) return false;
    slot.events.push({ name, payload });
    this.#ringBytes += eventBytes(name, payload);
    this.#hash = (this.#hash + eventHash(ltime, name, payload)) | 0;
    while (this.#ringBytes > ringBytesMax) this.#forgetOldest();
    return true;
  }

  #forgetOldest(): void {
    const oldest = Math.min(...this.recent().map(({ ltime }) => ltime));
    this.ignoreBefore(oldest + 1);
    this.#empty(oldest % this.#config.recentMessagesMax);
  }

  #empty(index: number): void {
    const slot = this.#ring[index];
    if (slot === undefined) return;
    for (const { name, payload } of slot.events) {
      this.#ringBytes -= eventBytes(name, payload);
      this.#hash = (this.#hash - eventHash(slot.ltime, name, payload)) | 0;
    }
    this.#ring[index] = undefined;
  }
}

function eventHash(ltime: number, name: string, payload: Uint8Array): number {
  return mix(hashBytes(payload, hashText(name)), ltime);
}

/** Roughly what an event costs to remember. */
function eventBytes(name: string, payload: Uint8Array): number {
  return 64 + name.length + payload.length;
}
