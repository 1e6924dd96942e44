/**
 * Which keys open, and which one seals. The first key is the primary: everything we send is sealed with it, while
 * all of them open what comes in. So a key is rotated without a gap: install everywhere, use everywhere, remove.
 */
import { ExpectedError } from '../../proto/errors.ts';
import { isKey } from '../../proto/gossip/encryption.ts';
import { sameBytes } from './addresses.ts';

/** More keys than any rotation needs; each one costs a try for every packet that nobody can open. */
const keysMax = 16;

export class Keyring {
  #keys: Uint8Array[] = [];

  /** Primary first. Throws BAD_REQUEST for a key that is not 16, 24 or 32 bytes long. */
  constructor(keys: readonly Uint8Array[]) {
    for (const key of keys) this.add(key);
  }

  /** In the order in which they are tried. */
  get keys(): readonly Uint8Array[] {
    return this.#keys;
  }

  /** Null: nothing is encrypted. */
  get primary(): Uint8Array | null {
    return this.#keys[0] ?? null;
  }

  /** Adds a key that opens; one that is there already stays where it is. */
  add(key: Uint8Array): void {
    if (!isKey(key)) {
      throw new ExpectedError('BAD_REQUEST', `a gossip key has 16, 24 or 32 bytes, not ${key.length}`);
    }
    if (this.#indexOf(key) >= 0) return;
    if (this.#keys.length === keysMax) {
      throw new ExpectedError('BAD_REQUEST', `the keyring is full with ${keysMax} keys; remove one first`);
    }
    this.#keys.push(key.slice());
  }

  /** Makes a key the one that seals. */
  use(key: Uint8Array): void {
    const index = this.#indexOf(key);
    if (index < 0) {
      throw new ExpectedError('BAD_REQUEST', 'the key is not in the keyring; install it first');
    }
    this.#keys = [this.#keys[index]!, ...this.#keys.filter((_, other) => other !== index)];
  }

  /** Removing a key that is not there is no error: the wish is fulfilled. */
  remove(key: Uint8Array): void {
    const index = this.#indexOf(key);
    if (index === 0) {
      throw new ExpectedError('BAD_REQUEST', 'the primary key cannot be removed; use another one first');
    }
    if (index > 0) this.#keys.splice(index, 1);
  }

  #indexOf(key: Uint8Array): number {
    return this.#keys.findIndex((known) => sameBytes(known, key));
  }
}

/** Reads a key as people write it. Throws BAD_REQUEST. */
export function keyFromBase64(text: string): Uint8Array {
  const key = new Uint8Array(Buffer.from(text, 'base64'));
  if (!isKey(key)) {
    throw new ExpectedError(
      'BAD_REQUEST',
      `a gossip key is base64 of 16, 24 or 32 bytes; this one has ${key.length}`,
    );
  }
  return key;
}

export function keyToBase64(key: Uint8Array): string {
  return Buffer.from(key).toString('base64');
}
