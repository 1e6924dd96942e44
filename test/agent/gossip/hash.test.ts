import { expect, test } from 'vitest';
import { hashBytes, hashText, mix } from '../../../agent/gossip/hash.ts';

test('bytes and text hash as FNV-1a says', () => {
  // Published test vectors of the 32-bit variant.
  expect(hashText('')).toBe(0x811c9dc5);
  expect(hashText('a')).toBe(0xe40c292c);
  expect(hashBytes(Buffer.from('foobar'))).toBe(0xbf9cf968);
});

test('values that differ in one bit give hashes that differ in about half of theirs', () => {
  const bits = (value: number) => (value >>> 0).toString(2).replaceAll('0', '').length;
  let changed = 0;
  for (let i = 0; i < 1_000; i++) changed += bits(mix(1, i) ^ mix(1, i ^ 1));
  expect(changed / 1_000).toBeGreaterThan(12);
  expect(changed / 1_000).toBeLessThan(20);
});
