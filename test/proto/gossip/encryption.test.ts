import { describe, expect, test } from 'vitest';
import { isKey, open, seal, sealedLength, sealOverhead } from '../../../proto/gossip/encryption.ts';
import { Refusal } from '../../../proto/gossip/refusal.ts';

const plaintext = Uint8Array.from({ length: 33 }, (_, i) => i);
const nonce = new Uint8Array(12).fill(7);
const aad = Uint8Array.of(1, 2, 3);
const none = new Uint8Array(0);
const keyOf = (length: number, fill: number) => new Uint8Array(length).fill(fill);

describe.each([16, 24, 32])('a key of %d bytes', (length) => {
  const key = keyOf(length, 5);

  test.each([0, 1] as const)('version %d opens to what was sealed', (version) => {
    const sealed = seal(plaintext, { key, nonce, version }, aad);
    expect(sealed.length).toBe(sealedLength(plaintext.length, version));
    expect(open(sealed, [key], aad)).toEqual({ plaintext, keyIndex: 0 });
  });

  test('the wrong key, other authenticated bytes, or one changed bit do not open it', () => {
    const sealed = seal(plaintext, { key, nonce }, aad);
    expect(() => open(sealed, [keyOf(length, 6)], aad)).toThrow(new Refusal('wrong-key'));
    expect(() => open(sealed, [key], none)).toThrow(new Refusal('wrong-key'));
    for (const at of [1, 13, sealed.length - 1]) {
      const changed = Uint8Array.from(sealed);
      changed[at]! ^= 1;
      expect(() => open(changed, [key], aad)).toThrow(new Refusal('wrong-key'));
    }
  });
});

test('during a rotation any key of the ring opens, and one sees which', () => {
  const ring = [keyOf(32, 1), keyOf(16, 2), keyOf(24, 3)];
  for (const [keyIndex, key] of ring.entries()) {
    expect(open(seal(plaintext, { key, nonce }, none), ring, none)).toEqual({ plaintext, keyIndex });
  }
});

test('version 0 always pads, a full block where nothing is missing', () => {
  expect(sealedLength(16, 0)).toBe(16 + 16 + 29);
  expect(sealedLength(17, 0)).toBe(32 + 29);
  for (let length = 1; length <= plaintext.length; length++) {
    const sealed = seal(plaintext.subarray(0, length), { key: keyOf(16, 1), nonce, version: 0 }, none);
    expect(sealed.length - length).toBeLessThanOrEqual(sealOverhead(0));
    expect(open(sealed, [keyOf(16, 1)], none).plaintext.length).toBe(length);
  }
});

test('what cannot be sealed is not even tried', () => {
  const key = keyOf(16, 1);
  expect(() => open(Uint8Array.of(2, ...new Uint8Array(60)), [key], none)).toThrow(
    new Refusal('not-encrypted'),
  );
  expect(() => open(Uint8Array.of(1, ...new Uint8Array(27)), [key], none)).toThrow(
    new Refusal('not-encrypted'),
  );
  expect(() => open(Uint8Array.of(0, ...new Uint8Array(40)), [key], none)).toThrow(
    new Refusal('not-encrypted'),
  );
  expect(() => open(none, [key], none)).toThrow(new Refusal('not-encrypted'));
});

test('nothing is sealed with a key of another length, a short nonce, or without content', () => {
  expect(isKey(keyOf(20, 1))).toBe(false);
  expect(isKey(keyOf(24, 1))).toBe(true);
  expect(() => seal(plaintext, { key: keyOf(20, 1), nonce }, none)).toThrow('invariant');
  expect(() => seal(plaintext, { key: keyOf(16, 1), nonce: nonce.subarray(1) }, none)).toThrow('invariant');
  expect(() => seal(none, { key: keyOf(16, 1), nonce }, none)).toThrow('invariant');
});
