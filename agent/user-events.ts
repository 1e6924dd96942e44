/**
 * The user events that this agent heard lately, in Consul's shape: those that Consul's clients fired and plain ones of
 * Serf. Nobody asks for older ones, and an event that is meant for others is not listed here.
 */
import { createHash } from 'node:crypto';
import { isExpected } from '../proto/errors.ts';
import {
  type ConsulEvent,
  consulEventPrefix,
  consulPrefix,
  decodeConsulEvent,
} from '../proto/gossip/consul-event.ts';
import type { Clock } from '../proto/ports.ts';
import { compileRegex } from '../proto/regex/regex.ts';
import type { OwnService } from '../proto/schema/catalog.ts';
import { Bell } from './bell.ts';
import type { UserEvent } from './gossip/membership.ts';

/** Names that begin so are what agents tell one another; people see them as local events. */
export const ownEventPrefix = 'rollcall:';

/** As many as Consul keeps. */
export const userEventsKept = 256;

export interface ListedEvent {
  readonly ID: string;
  readonly Name: string;
  /** Base64, or null for none. */
  readonly Payload: string | null;
  readonly NodeFilter: string;
  readonly ServiceFilter: string;
  readonly TagFilter: string;
  /** 1 for an event of Consul's form; 0 for a plain one, which has no version. */
  readonly Version: number;
  readonly LTime: number;
}

export interface UserEventsPorts {
  readonly clock: Clock;
  readonly node: string;
  services(): readonly Pick<OwnService, 'name' | 'tags'>[];
}

export class RecentUserEvents {
  readonly #ports: UserEventsPorts;
  readonly #bell: Bell;
  readonly #events: ListedEvent[] = [];

  constructor(ports: UserEventsPorts) {
    this.#ports = ports;
    this.#bell = new Bell(ports.clock);
  }

  receive(event: UserEvent): void {
    const listed = this.#listed(event);
    if (listed === undefined) return;
    this.#events.push(listed);
    if (this.#events.length > userEventsKept) this.#events.shift();
    this.#bell.ring();
  }

  /** Oldest first; `name` '' for all. */
  list(name: string): readonly ListedEvent[] {
    return this.#events.filter((event) => name === '' || event.Name === name);
  }

  /** Resolves at the next event, after `limitMs`, or when `signal` aborts. */
  news(limitMs: number, signal: AbortSignal): Promise<void> {
    return this.#bell.wait(limitMs, signal);
  }

  #listed(event: UserEvent): ListedEvent | undefined {
    const { name, ltime, payload } = event;
    if (name.startsWith(ownEventPrefix)) return undefined;
    if (!name.startsWith(consulPrefix)) {
      const plain = { id: idOf(event), name, payload, version: 0 };
      return shape({ ...plain, nodeFilter: '', serviceFilter: '', tagFilter: '' }, ltime);
    }
    const inner = name.startsWith(consulEventPrefix) ? decodeConsulEvent(payload) : undefined;
    return inner !== undefined && this.#isMeant(inner) ? shape(inner, ltime) : undefined;
  }

  #isMeant({ nodeFilter, serviceFilter, tagFilter }: ConsulEvent): boolean {
    if (nodeFilter !== '' && !matches(nodeFilter, [this.#ports.node])) return false;
    if (serviceFilter === '') return true;
    return this.#ports
      .services()
      .some(
        ({ name, tags }) => matches(serviceFilter, [name]) && (tagFilter === '' || matches(tagFilter, tags)),
      );
  }
}

/**
 * What a client waits with: the two halves of the last event's id, one on the other. An unsigned number of 64 bits; 1
 * when there is no event.
 */
export function indexOf(events: readonly ListedEvent[]): bigint {
  const digits = events.at(-1)?.ID.replaceAll('-', '') ?? '';
  if (!/^[0-9a-f]{32}$/i.test(digits)) return 1n;
  return BigInt(`0x${digits.slice(0, 16)}`) ^ BigInt(`0x${digits.slice(16)}`);
}

function shape(event: ConsulEvent, ltime: number): ListedEvent {
  return {
    ID: event.id,
    Name: event.name,
    Payload: payloadText(event.payload),
    NodeFilter: event.nodeFilter,
    ServiceFilter: event.serviceFilter,
    TagFilter: event.tagFilter,
    Version: event.version,
    LTime: ltime,
  };
}

export function payloadText(payload: Uint8Array): string | null {
  return payload.length === 0 ? null : Buffer.from(payload).toString('base64');
}

/** A plain event has no id of its own; made from what it is, it is the same on every agent. */
function idOf({ name, payload, ltime }: UserEvent): string {
  const hash = createHash('sha256').update(`${ltime} ${name}\0`).update(payload).digest('hex');
  return [
    hash.slice(0, 8),
    hash.slice(8, 12),
    hash.slice(12, 16),
    hash.slice(16, 20),
    hash.slice(20, 32),
  ].join('-');
}

/** An expression that cannot be read means nobody. */
function matches(expression: string, texts: readonly string[]): boolean {
  try {
    const regex = compileRegex(expression);
    return texts.some((text) => regex.test(text));
  } catch (error) {
    if (isExpected(error)) return false;
    throw error;
  }
}
