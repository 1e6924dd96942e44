import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeText, encodeText } from '../../../proto/gossip/text.ts';

test('valid UTF-8 is what it says, with a byte order mark, a replacement character and beyond 64 bytes too', () => {
  for (const text of ['', 'web-3', 'zürich', '東京', '\ufeffbom', '\ufffd', '🐟', `${'x'.repeat(100)}ü`]) {
    expect(decodeText(Buffer.from(text))).toBe(text);
    expect(Buffer.from(encodeText(text)).toString()).toBe(text);
  }
});

test('two names that differ in a broken byte stay two names, and go out as they came', () => {
  const one = Uint8Array.of(0x63, 0x61, 0x66, 0xe9);
  const other = Uint8Array.of(0x63, 0x61, 0x66, 0xe8);
  expect(decodeText(one)).not.toBe(decodeText(other));
  expect(encodeText(decodeText(one))).toEqual(one);
});

test('whatever the bytes are, they survive the way there and back', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    // Mostly UTF-8, with a byte that spoils it somewhere.
    fc.tuple(fc.string({ unit: 'binary' }), fc.nat(40), fc.nat(255)).map(([text, at, byte]) => {
      const spoilt = new Uint8Array(Buffer.from(text));
      if (at < spoilt.length) spoilt[at] = byte;
      return spoilt;
    }),
  );
  fc.assert(
    fc.property(bytes, (original) => {
      expect(encodeText(decodeText(original))).toEqual(original);
    }),
  );
});

test('a broken byte reads as the platform reads it, but for the mark that keeps it apart', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const lossy = Buffer.from(bytes).toString('utf8');
      const valid = !lossy.includes('\ufffd');
      expect(decodeText(bytes) === lossy).toBe(valid);
    }),
    {
      examples: [
        [Uint8Array.of(0xed, 0xa0, 0x80)],
        [Uint8Array.of(0xc0, 0x80)],
        [Uint8Array.of(0xf4, 0x90, 0x80, 0x80)],
      ],
    },
  );
});

test('a part of a larger packet is read on its own', () => {
  expect(decodeText(Buffer.from('..web..'), 2, 5)).toBe('web');
});
