import { createRequire } from 'node:module';
import fc from 'fast-check';
import * as codecPackage from 'msgpackr/pack';
import { expect, test } from 'vitest';
import { decode, encode } from '../../proto/codec.ts';
import { isExpected } from '../../proto/errors.ts';

/** A second copy of msgpackr, which takes its native helper when it is installed. */
const { Packr: NativePackr } = createRequire(import.meta.url)('msgpackr') as typeof import('msgpackr');

const plain = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.maxSafeInteger(),
    fc.double({ noNaN: true }).map((number) => number + 0),
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc.string({ maxLength: 8 }).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).value;

function codeOf(run: () => unknown): string {
  try {
    run();
    return 'nothing thrown';
  } catch (error) {
    return isExpected(error) ? error.code : `a bug: ${error}`;
  }
}

test('plain data comes back as it went', () => {
  fc.assert(
    fc.property(plain, (value) => {
      expect(decode(new Uint8Array(encode(value)))).toEqual(value);
    }),
    { numRuns: 300 },
  );
});

test('integers are plain and exact up to 2^53, bytes stay bytes, an absent value stays absent', () => {
  const value = {
    big: Number.MAX_SAFE_INTEGER,
    low: -(2 ** 40),
    bytes: new Uint8Array([0, 255]),
    none: undefined,
  };
  expect(decode(new Uint8Array(encode(value)))).toStrictEqual(value);
});

test('an int64 of a stranger arrives as a plain number', () => {
  expect(decode(new Uint8Array([0xcf, 0, 0, 0, 1, 0, 0, 0, 0]))).toBe(2 ** 32);
});

test('earlier results are not overwritten by later ones', () => {
  const first = encode({ text: 'first' });
  const copy = new Uint8Array(first);
  for (let i = 0; i < 5_000; i++) encode({ text: `later ${i}` });
  expect(new Uint8Array(first)).toEqual(copy);
});

test('we run without the native helper of msgpackr, and having it would change nothing', () => {
  const other = new NativePackr({ useRecords: false, int64AsType: 'number' });
  expect(codecPackage).toHaveProperty('isNativeAccelerationEnabled', false);
  fc.assert(
    fc.property(plain, (value) => {
      const bytes = encode(value);
      expect(new Uint8Array(other.pack(value))).toEqual(new Uint8Array(bytes));
      expect(decode(bytes)).toEqual(other.unpack(bytes));
    }),
    { numRuns: 200 },
  );
});

test('a value above the limit is refused in both directions', () => {
  const value = 'x'.repeat(100);
  expect(codeOf(() => encode(value, { bytesMax: 100 }))).toBe('TOO_LARGE');
  expect(codeOf(() => decode(encode(value), { bytesMax: 100 }))).toBe('TOO_LARGE');
  expect(decode(encode(value, { bytesMax: 102 }), { bytesMax: 102 })).toBe(value);
});

test('random, cut and lengthened bytes are an expected error and never a crash', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
      expect(['nothing thrown', 'PROTOCOL']).toContain(codeOf(() => decode(bytes)));
    }),
    { numRuns: 2_000 },
  );
  const whole = new Uint8Array(encode({ name: 'web-1', tags: ['a', 'b'], port: 8300 }));
  for (let cut = 0; cut < whole.length; cut++) {
    expect(codeOf(() => decode(whole.subarray(0, cut)))).toBe('PROTOCOL');
  }
  expect(codeOf(() => decode(new Uint8Array([...whole, 1])))).toBe('PROTOCOL');
});

test('a header that promises four billion elements costs nothing', () => {
  expect(codeOf(() => decode(new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff, 1])))).toBe('PROTOCOL');
  expect(codeOf(() => decode(new Uint8Array(1_000_000).fill(0x91)))).toBe('PROTOCOL');
});

test('bytes cannot build regular expressions, dates, sets or touch a prototype', () => {
  const clever = new NativePackr({ useRecords: false, moreTypes: true, structuredClone: true });
  for (const value of [/a+/, new Date(0), new Set([1]), new Error('x'), 2n ** 70n]) {
    const bytes = clever.pack(value);
    expect(codeOf(() => decode(bytes))).toBe('PROTOCOL');
  }
  decode(new Uint8Array([0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 0x81, 0xa1, 0x78, 1]));
  expect(({} as { x?: number }).x).toBeUndefined();
});
