/**
 * Seals and opens what travels between members: AES-GCM, the key chosen by its length (gossip-wire 6).
 *
 *     version (1) | nonce (12) | ciphertext | tag (16)
 *
 * Version 0 pads the plaintext to 16 bytes first. Neither version nor nonce is authenticated as such, but a
 * change of either makes the tag wrong.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { assert } from '../assert.ts';
import { Refusal } from './refusal.ts';

export const nonceBytes = 12;
const tagBytes = 16;
const headBytes = 1 + nonceBytes;
const blockBytes = 16;

export type SealVersion = 0 | 1;

/** How to seal one message. The same nonce must never be used twice with one key. */
export interface Seal {
  readonly key: Uint8Array;
  readonly nonce: Uint8Array;
  /** 1 unless told otherwise; every peer opens both. */
  readonly version?: SealVersion;
}

/** What was inside, and which of the keys opened it. */
export interface Opened {
  readonly plaintext: Uint8Array;
  readonly keyIndex: number;
}

const ciphers = { 16: 'aes-128-gcm', 24: 'aes-192-gcm', 32: 'aes-256-gcm' } as const;

/** 16, 24 or 32 bytes: AES-128, -192, -256. */
export function isKey(key: Uint8Array): boolean {
  return key.length in ciphers;
}

/** Bytes that sealing adds at most, which is what a sender must leave free in a packet. */
export function sealOverhead(version: SealVersion): number {
  return headBytes + tagBytes + (version === 0 ? blockBytes : 0);
}

/** Bytes of the sealed form of `length` bytes. */
export function sealedLength(length: number, version: SealVersion): number {
  return headBytes + length + tagBytes + (version === 0 ? blockBytes - (length % blockBytes) : 0);
}

export function seal(plaintext: Uint8Array, { key, nonce, version = 1 }: Seal, aad: Uint8Array): Uint8Array {
  assert(plaintext.length > 0, 'nothing to seal; stock agents die of it');
  assert(nonce.length === nonceBytes, `a nonce of ${nonce.length} bytes`);
  const sealed = new Uint8Array(sealedLength(plaintext.length, version));
  sealed[0] = version;
  sealed.set(nonce, 1);
  const cipher = createCipheriv(cipherOf(key), key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(aad);
  const ciphertext = cipher.update(version === 0 ? padded(plaintext) : plaintext);
  cipher.final();
  sealed.set(ciphertext, headBytes);
  sealed.set(cipher.getAuthTag(), headBytes + ciphertext.length);
  return sealed;
}

/** Tries the keys in order. Throws a `Refusal`: `not-encrypted` when this cannot be sealed, `wrong-key`, `empty`. */
export function open(sealed: Uint8Array, keys: readonly Uint8Array[], aad: Uint8Array): Opened {
  const version = sealed[0];
  if ((version !== 0 && version !== 1) || sealed.length < sealOverhead(version)) {
    throw new Refusal('not-encrypted');
  }
  for (const [keyIndex, key] of keys.entries()) {
    const opened = openWith(key, sealed, aad);
    if (opened === undefined) continue;
    const plaintext = version === 0 ? withoutPadding(opened) : opened;
    if (plaintext.length === 0) throw new Refusal('empty');
    return { plaintext, keyIndex };
  }
  throw new Refusal('wrong-key');
}

function openWith(key: Uint8Array, sealed: Uint8Array, aad: Uint8Array): Uint8Array | undefined {
  const nonce = sealed.subarray(1, headBytes);
  const tagStart = sealed.length - tagBytes;
  const decipher = createDecipheriv(cipherOf(key), key, nonce, { authTagLength: tagBytes });
  decipher.setAAD(aad);
  decipher.setAuthTag(sealed.subarray(tagStart));
  const plaintext = decipher.update(sealed.subarray(headBytes, tagStart));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return new Uint8Array(plaintext.buffer, plaintext.byteOffset, plaintext.length);
}

function padded(plaintext: Uint8Array): Uint8Array {
  const count = blockBytes - (plaintext.length % blockBytes);
  const block = new Uint8Array(plaintext.length + count).fill(count, plaintext.length);
  block.set(plaintext);
  return block;
}

function withoutPadding(plaintext: Uint8Array): Uint8Array {
  const count = plaintext[plaintext.length - 1] ?? 0;
  if (count < 1 || count > blockBytes || count > plaintext.length) throw new Refusal('wrong-key');
  return plaintext.subarray(0, plaintext.length - count);
}

function cipherOf(key: Uint8Array): (typeof ciphers)[keyof typeof ciphers] {
  const cipher = ciphers[key.length as keyof typeof ciphers];
  assert(cipher !== undefined, `a key of ${key.length} bytes`);
  return cipher;
}
