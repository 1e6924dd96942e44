import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compress, decompress } from '../../../proto/gossip/lzw.ts';
import { Refusal } from '../../../proto/gossip/refusal.ts';
import { fromHex, toHex } from './golden.ts';

/** Packs codes of the given widths, least significant bit first. */
function codes(...pairs: ReadonlyArray<readonly [code: number, width: number]>): Uint8Array {
  const bits = pairs.flatMap(([code, width]) => Array.from({ length: width }, (_, i) => (code >> i) & 1));
  const bytes = new Uint8Array(Math.ceil(bits.length / 8));
  for (const [i, bit] of bits.entries()) bytes[i >> 3]! |= bit << (i & 7);
  return bytes;
}

describe('there and back', () => {
  test('both dialects, whatever the data', () => {
    const data = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 400 }),
      fc
        .array(fc.constantFrom(1, 2, 3), { minLength: 1, maxLength: 3000 })
        .map((list) => Uint8Array.from(list)),
    );
    fc.assert(
      fc.property(data, fc.boolean(), (original, initialClear) => {
        expect(decompress(compress(original, initialClear), original.length)).toEqual(original);
      }),
    );
  });

  // Around 3,837 codes the table is full and cleared; every data length near it puts the end elsewhere.
  test('a table that runs full, with the end on either side of the clear', () => {
    const noise = new Uint8Array(12_000);
    let state = 1;
    for (let i = 0; i < noise.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      noise[i] = state >>> 24;
    }
    for (let length = 3700; length < 4000; length++) {
      const original = noise.subarray(0, length);
      expect(toHex(decompress(compress(original), length))).toBe(toHex(original));
    }
    expect(toHex(decompress(compress(noise), noise.length))).toBe(toHex(noise));
  });

  test('codes widen after 255 of them', () => {
    for (let length = 250; length < 262; length++) {
      const original = Uint8Array.from({ length }, (_, i) => i);
      expect(decompress(compress(original, false), length)).toEqual(original);
    }
  });
});

describe('what others may write', () => {
  test('an entry used before it is complete', () => {
    expect(toHex(decompress(codes([0x61, 9], [258, 9], [257, 9]), 10))).toBe('616161');
  });

  test('a full table that is never cleared: decoding goes on, adding stops', () => {
    const literals = Array.from({ length: 5000 }, (_, i) => i % 256);
    const stream: [number, number][] = [];
    let high = 257;
    let width = 9;
    for (const literal of literals) {
      stream.push([literal, width]);
      if (high < 4096) high += 1;
      if (high === 1 << width && width < 12) width += 1;
    }
    stream.push([4095, 12], [257, 12]);
    const inflated = decompress(codes(...stream), 6000);
    expect(inflated.subarray(0, 5000)).toEqual(Uint8Array.from(literals));
    // The last entry of the table is the 3,838th pair of the data.
    expect(inflated.subarray(5000)).toEqual(Uint8Array.of(literals[4095 - 258]!, literals[4096 - 258]!));
  });

  test('bytes after the end code do not matter', () => {
    expect(toHex(decompress(codes([0x61, 9], [257, 9], [511, 9]), 10))).toBe('61');
  });
});

describe('what is refused', () => {
  test.each([
    ['no end code', codes([0x61, 9]), 'bad-compression'],
    ['nothing at all', new Uint8Array(0), 'bad-compression'],
    ['a code that does not exist yet', codes([0x61, 9], [300, 9], [257, 9]), 'bad-compression'],
    ['an entry as the first code', codes([256, 9], [258, 9], [257, 9]), 'bad-compression'],
    ['an end before any data', codes([256, 9], [257, 9]), 'empty'],
  ])('%s', (_, stream, reason) => {
    expect(() => decompress(stream, 100)).toThrow(new Refusal(reason as 'empty'));
  });

  test('a bomb ends at the limit: four kilobytes that would be a megabyte', () => {
    const bomb = compress(new Uint8Array(1_000_000));
    expect(bomb.length).toBeLessThan(4096);
    expect(() => decompress(bomb, 100_000)).toThrow(new Refusal('bomb'));
    expect(decompress(bomb, 1_000_000).length).toBe(1_000_000);
    expect(() => decompress(fromHex(toHex(bomb)), 999_999)).toThrow(new Refusal('bomb'));
  });
});
