/**
 * What members say of themselves, kept once for each name, and a small number for each name. The number is the index
 * of every table of a core, so a table holds bytes instead of objects. In a simulation many cores share one `Records`,
 * which is how thousands of them fit into one process.
 */

import type { Alive } from '../../proto/gossip/messages.ts';
import { decodeTags } from '../../proto/gossip/tags.ts';
import type { Endpoint } from '../../proto/ports.ts';
import { hostOf, sameBytes } from './addresses.ts';
import { hashBytes, hashText, mix } from './hash.ts';

/** What an alive message announces, apart from its incarnation. */
export type Announcement = Pick<Alive, 'node' | 'addr' | 'port' | 'meta' | 'vsn'>;

/** One announcement, immutable. Bytes are as the owner sent them, because they are repeated unchanged. */
export class MemberRecord {
  readonly number: number;
  readonly name: string;
  readonly addr: Uint8Array;
  readonly port: number;
  readonly meta: Uint8Array;
  readonly vsn: Uint8Array;
  readonly endpoint: Endpoint;
  readonly nameHash: number;
  /** Over everything announced. */
  readonly hash: number;
  #tags: ReadonlyMap<string, string> | null = null;
  #plainTags: Readonly<Record<string, string>> | null = null;

  constructor(number: number, host: string, announcement: Announcement, defaultPort: number) {
    this.number = number;
    this.name = announcement.node;
    this.addr = announcement.addr.slice();
    this.port = announcement.port;
    this.meta = announcement.meta.slice();
    this.vsn = announcement.vsn.slice();
    this.nameHash = hashText(this.name);
    this.hash = hashBytes(
      this.vsn,
      hashBytes(this.meta, hashBytes(this.addr, mix(this.nameHash, this.port))),
    );
    this.endpoint = { host, port: announcement.port === 0 ? defaultPort : announcement.port };
  }

  get tags(): ReadonlyMap<string, string> {
    this.#tags ??= decodeTags(this.meta);
    return this.#tags;
  }

  /** The same as a plain object, made once because members are reported often. */
  get plainTags(): Readonly<Record<string, string>> {
    this.#plainTags ??= Object.freeze(Object.fromEntries(this.tags));
    return this.#plainTags;
  }

  /** Uuid of the member's data folder; '' for members that have none. */
  get id(): string {
    return this.tags.get('id') ?? '';
  }

  sameAddress(other: { readonly addr: Uint8Array; readonly port: number }): boolean {
    return this.port === other.port && sameBytes(this.addr, other.addr);
  }

  /** Announced by one agent, which its data folder proves. */
  hasSameOwner(other: MemberRecord): boolean {
    return this.id !== '' && this.id === other.id;
  }

  says(announcement: Announcement): boolean {
    return (
      this.sameAddress(announcement) &&
      sameBytes(this.meta, announcement.meta) &&
      sameBytes(this.vsn, announcement.vsn)
    );
  }
}

export class Records {
  readonly #defaultPort: number;
  readonly #shared: boolean;
  readonly #numbers = new Map<string, number>();
  readonly #newest: (MemberRecord | null)[] = [];
  readonly #free: number[] = [];

  /** `defaultPort` stands for the port 0 of very old members; `shared` records are never forgotten. */
  constructor(options: { defaultPort: number; shared?: boolean }) {
    this.#defaultPort = options.defaultPort;
    this.#shared = options.shared ?? false;
  }

  /** Numbers that have been given out, including those that are free again: the length that tables need. */
  get size(): number {
    return this.#newest.length;
  }

  numberOf(name: string): number | undefined {
    return this.#numbers.get(name);
  }

  /** The record for an announcement, made if need be; undefined when its address makes no sense. */
  intern(announcement: Announcement): MemberRecord | undefined {
    const known = this.#numbers.get(announcement.node);
    const newest = known === undefined ? null : this.#newest[known]!;
    if (newest?.says(announcement)) return newest;
    const host = hostOf(announcement.addr);
    if (host === undefined) return undefined;
    const number = known ?? this.#free.pop() ?? this.#newest.length;
    const record = new MemberRecord(number, host, announcement, this.#defaultPort);
    this.#numbers.set(record.name, number);
    this.#newest[number] = record;
    return record;
  }

  /** The core has forgotten this member: its number may go to another name. */
  release(record: MemberRecord): void {
    if (this.#shared || !this.#numbers.delete(record.name)) return;
    this.#newest[record.number] = null;
    this.#free.push(record.number);
  }
}
