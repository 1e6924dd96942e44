/** Queries that Serf itself asks: who holds a name, and the gossip keys. The application never sees them. */
import { isExpected } from '../../../proto/errors.ts';
import type { ConflictMember, SerfKeyResponse, SerfQuery } from '../../../proto/gossip/messages.ts';
import { decodeSerf, encodeSerf } from '../../../proto/gossip/serf.ts';
import { decodeText } from '../../../proto/gossip/text.ts';
import { type Keyring, keyToBase64 } from '../keyring.ts';
import type { Parts } from '../parts.ts';
import type { Respond } from './answers.ts';
import { type Roll, statusCode } from './roll.ts';

export const internalPrefix = '_serf_';

export const keyOperations = ['install', 'use', 'remove', 'list'] as const;
export type KeyOperation = (typeof keyOperations)[number];

export function keyQueryName(operation: KeyOperation): string {
  return `${internalPrefix}${operation === 'list' ? 'list-keys' : `${operation}-key`}`;
}

export const conflictQueryName = `${internalPrefix}conflict`;

export class InternalQueries {
  readonly #parts: Parts;
  readonly #roll: Roll;
  readonly #keyring: Keyring;
  /** The keyring has changed; whoever keeps it on disk should write it. */
  readonly #onKeysChanged: () => void;

  constructor(options: { parts: Parts; roll: Roll; keyring: Keyring; onKeysChanged: () => void }) {
    this.#parts = options.parts;
    this.#roll = options.roll;
    this.#keyring = options.keyring;
    this.#onKeysChanged = options.onKeysChanged;
  }

  answer(query: SerfQuery, respond: Respond): void {
    if (query.name === conflictQueryName) this.#answerConflict(query, respond);
    const operation = keyOperations.find((candidate) => query.name === keyQueryName(candidate));
    if (operation !== undefined) this.#answerKeys(operation, query, respond);
  }

  /** Whoever bears the name itself has no vote. */
  #answerConflict(query: SerfQuery, respond: Respond): void {
    const name = decodeText(query.payload ?? new Uint8Array(0));
    if (name === this.#parts.self.name) return;
    const number = this.#roll.numberOf(name);
    const member = number === undefined ? null : this.#conflictMember(number);
    respond(encodeSerf({ type: 'serf.conflictResponse', member }));
  }

  #conflictMember(number: number): ConflictMember {
    const { name, addr, port, tags, vsn } = this.#roll.record(number);
    const [
      protocolMin = 0,
      protocolMax = 0,
      protocolCur = 0,
      delegateMin = 0,
      delegateMax = 0,
      delegateCur = 0,
    ] = vsn;
    return {
      name,
      addr,
      port,
      tags,
      status: statusCode[this.#roll.status(number)],
      protocolMin,
      protocolMax,
      protocolCur,
      delegateMin,
      delegateMax,
      delegateCur,
    };
  }

  #answerKeys(operation: KeyOperation, query: SerfQuery, respond: Respond): void {
    const request = decodeSerf(query.payload ?? new Uint8Array(0)).message;
    if (request?.type !== 'serf.keyRequest') return;
    const outcome = this.#perform(operation, request.key);
    this.#parts.counters.add(outcome === '' ? 'key_requests' : 'key_requests_failed');
    const response: SerfKeyResponse = {
      type: 'serf.keyResponse',
      result: outcome === '',
      message: outcome,
      keys: null,
      primaryKey: '',
    };
    respond(operation === 'list' && outcome === '' ? this.#listing(response) : encodeSerf(response));
  }

  /** What went wrong, or ''. */
  #perform(operation: KeyOperation, key: Uint8Array): string {
    if (this.#keyring.primary === null) return 'this agent has no gossip encryption';
    try {
      if (operation === 'install') this.#keyring.add(key);
      else if (operation === 'use') this.#keyring.use(key);
      else if (operation === 'remove') this.#keyring.remove(key);
    } catch (error) {
      if (isExpected(error)) return error.message;
      throw error;
    }
    if (operation !== 'list') this.#onKeysChanged();
    return '';
  }

  /** All keys that fit into one answer. */
  #listing(response: SerfKeyResponse): Uint8Array {
    const all = this.#keyring.keys.map(keyToBase64);
    const primaryKey = all[0] ?? '';
    for (let shown = all.length; ; shown--) {
      const message = shown === all.length ? '' : `only ${shown} of ${all.length} keys fit into the answer`;
      const encoded = encodeSerf({ ...response, message, keys: all.slice(0, shown), primaryKey });
      // The answer around it takes less than 100 bytes and our name.
      const bytesMax =
        this.#parts.config.queryResponseBytesMax - 100 - Buffer.byteLength(this.#parts.self.name);
      if (encoded.length <= bytesMax || shown === 0) return encoded;
    }
  }
}
