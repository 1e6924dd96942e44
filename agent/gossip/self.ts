/** Ourselves as others know us: name, announcement, and the incarnation that only we may raise. */
import { ExpectedError } from '../../proto/errors.ts';
import type { Alive } from '../../proto/gossip/messages.ts';
import { encodeTags } from '../../proto/gossip/tags.ts';
import type { Endpoint } from '../../proto/ports.ts';
import { addressOf } from './addresses.ts';
import type { OwnState } from './members.ts';
import type { MemberRecord, Records } from './records.ts';

/** memberlist 1–5, speaking 2; Serf 2–5, speaking 5. Narrower ranges poison the version check of others. */
export const ownVsn = Uint8Array.of(1, 5, 2, 2, 5, 5);

/** Tags as meta bytes. Throws BAD_REQUEST when they are too long. */
export function metaOf(tags: Readonly<Record<string, string>>): Uint8Array {
  const known = Object.entries(tags);
  if (known.some(([name]) => name === '')) throw new ExpectedError('BAD_REQUEST', 'a tag needs a name');
  return encodeTags(new Map(known));
}

export class Self {
  readonly name: string;
  readonly #records: Records;
  readonly #addr: Uint8Array;
  readonly #port: number;
  #record: MemberRecord;
  /** 0 until we have announced ourselves for the first time. */
  incarnation = 0;
  state: OwnState = 'present';

  constructor(options: { name: string; advertise: Endpoint; meta: Uint8Array; records: Records }) {
    this.name = options.name;
    this.#records = options.records;
    this.#addr = addressOf(options.advertise.host);
    this.#port = options.advertise.port;
    this.#record = this.#announce(options.meta);
  }

  get number(): number {
    return this.#record.number;
  }

  get record(): MemberRecord {
    return this.#record;
  }

  setMeta(meta: Uint8Array): void {
    this.#record = this.#announce(meta);
  }

  /** The message by which everybody learns of us. */
  alive(): Alive {
    const { name: node, addr, port, meta, vsn } = this.#record;
    return { type: 'alive', incarnation: this.incarnation, node, addr, port, meta, vsn };
  }

  #announce(meta: Uint8Array): MemberRecord {
    // Our own address always makes sense, so there always is a record.
    return this.#records.intern({ node: this.name, addr: this.#addr, port: this.#port, meta, vsn: ownVsn })!;
  }
}
