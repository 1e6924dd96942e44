import { expect, test } from 'vitest';
import { Keyring, keyFromBase64, keyToBase64 } from '../../../agent/gossip/keyring.ts';

const key = (fill: number, length = 16) => new Uint8Array(length).fill(fill);

test('the first key seals, all of them open, and a rotation leaves no gap', () => {
  const ring = new Keyring([key(1)]);
  ring.add(key(2, 32));
  expect(ring.primary).toEqual(key(1));
  ring.use(key(2, 32));
  expect(ring.keys).toEqual([key(2, 32), key(1)]);
  ring.remove(key(1));
  expect(ring.keys).toEqual([key(2, 32)]);
});

test('an empty ring encrypts nothing', () => {
  expect(new Keyring([]).primary).toBeNull();
});

test('what makes no sense is refused, what changes nothing is not', () => {
  const ring = new Keyring([key(1)]);
  ring.add(key(1));
  expect(ring.keys).toHaveLength(1);
  ring.remove(key(9));
  expect(() => ring.use(key(9))).toThrow('install it first');
  expect(() => ring.remove(key(1))).toThrow('primary key cannot be removed');
  expect(() => ring.add(key(1, 17))).toThrow('16, 24 or 32 bytes, not 17');
  for (let i = 2; i <= 16; i++) ring.add(key(i));
  expect(() => ring.add(key(17))).toThrow('full with 16 keys');
});

test('keys are written as base64', () => {
  expect(keyFromBase64('AAECAwQFBgcICQoLDA0ODw==')).toEqual(
    Uint8Array.from({ length: 16 }, (_, index) => index),
  );
  expect(keyToBase64(key(0))).toBe('AAAAAAAAAAAAAAAAAAAAAA==');
  expect(() => keyFromBase64('short')).toThrow('this one has 3');
});
