import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MsgpackReader, MsgpackWriter } from '../../../proto/gossip/msgpack.ts';
import { Refusal } from '../../../proto/gossip/refusal.ts';
import { fromHex, toHex } from './golden.ts';

function written(write: (writer: MsgpackWriter) => void): string {
  const writer = new MsgpackWriter(1);
  write(writer);
  return toHex(writer.bytes);
}

function reading(hex: string): MsgpackReader {
  return new MsgpackReader(fromHex(hex));
}

function refusal(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
  return 'taken';
}

describe('the writer emits what Go emits (gossip-wire 2.1)', () => {
  test.each([
    [0, '00'],
    [127, '7f'],
    [128, 'cc80'],
    [255, 'ccff'],
    [256, 'cd0100'],
    [65535, 'cdffff'],
    [65536, 'ce00010000'],
    [3200000000, 'cebebc2000'],
    [4294967296, 'cf0000000100000000'],
    [5000000000, 'cf000000012a05f200'],
    [Number.MAX_SAFE_INTEGER, 'cf001fffffffffffff'],
    [-1, 'ff'],
    [-32, 'e0'],
    [-33, 'd0df'],
    [-128, 'd080'],
    [-129, 'd1ff7f'],
    [-32769, 'd2ffff7fff'],
    [-2147483649, 'd3ffffffff7fffffff'],
  ])('integer %d', (value, hex) => {
    expect(written((writer) => writer.int(value))).toBe(hex);
    expect(reading(hex).int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).toBe(value);
  });

  test.each([
    [0, 'a0'],
    [31, 'bf'],
    [32, 'da0020'],
    [40, 'da0028'],
    [65535, 'daffff'],
    [65536, 'db00010000'],
  ])('text and bytes of length %d, never str8', (length, header) => {
    const content = '61'.repeat(length);
    expect(written((writer) => writer.text('a'.repeat(length)))).toBe(header + content);
    expect(written((writer) => writer.bin(new Uint8Array(length).fill(0x61)))).toBe(header + content);
  });

  test('short text that is not ASCII counts its bytes, not its letters', () => {
    expect(written((writer) => writer.text('zürich'))).toBe('a77ac3bc72696368');
  });

  test('floats always take nine bytes, zero too', () => {
    expect(written((writer) => writer.float(0))).toBe('cb0000000000000000');
    expect(written((writer) => writer.float(1.5))).toBe('cb3ff8000000000000');
  });

  test('nil, booleans and headers', () => {
    expect(written((writer) => writer.nil())).toBe('c0');
    expect(written((writer) => writer.bool(false)) + written((writer) => writer.bool(true))).toBe('c2c3');
    expect(written((writer) => writer.arrayHeader(8))).toBe('98');
    expect(written((writer) => writer.arrayHeader(512))).toBe('dc0200');
    expect(written((writer) => writer.arrayHeader(65536))).toBe('dd00010000');
    expect(written((writer) => writer.mapHeader(11))).toBe('8b');
    expect(written((writer) => writer.mapHeader(300))).toBe('de012c');
  });

  test('a number that is no integer is a bug of ours', () => {
    expect(() => new MsgpackWriter().int(1.5)).toThrow('invariant');
    expect(() => new MsgpackWriter().int(2 ** 53)).toThrow('invariant');
  });
});

describe('the reader takes what Go takes (gossip-wire 2.2)', () => {
  test('integers in any form that holds them', () => {
    for (const hex of [
      '05',
      'cc05',
      'cd0005',
      'ce00000005',
      'cf0000000000000005',
      'd005',
      'd10005',
      'd200000005',
    ]) {
      expect(reading(hex).int(0, 255)).toBe(5);
    }
    expect(reading('d3fffffffffffffffb').int(-10, 0)).toBe(-5);
  });

  test('an integer that does not fit is refused, 2^53 and 2^64 - 1 included', () => {
    for (const hex of ['cd0100', 'ff', 'cf0020000000000000', 'cfffffffffffffffff', 'd38000000000000000']) {
      expect(refusal(() => reading(hex).int(0, 255))).toBe('out-of-range');
    }
  });

  test('a float is no integer, but an integer is a float', () => {
    expect(refusal(() => reading('cb40b0920000000000').int(0, 65535))).toBe('bad-type');
    expect(reading('05').float()).toBe(5);
    expect(reading('ca3fc00000').float()).toBe(1.5);
  });

  test('booleans may be 0 and 1, and nothing else', () => {
    expect(['c2', 'c3', '00', '01'].map((hex) => reading(hex).bool())).toEqual([false, true, false, true]);
    expect(refusal(() => reading('02').bool())).toBe('out-of-range');
  });

  test('text comes as raw or str8, bytes also as bin or as an array of small integers', () => {
    for (const hex of ['a26869', 'd9026869', 'da00026869', 'db000000026869']) {
      expect(reading(hex).text()).toBe('hi');
      expect(toHex(reading(hex).bin())).toBe('6869');
    }
    for (const hex of ['c4026869', 'c500026869', 'c6000000026869', '926869', 'dc00026869']) {
      expect(refusal(() => reading(hex).text())).toBe('bad-type');
      expect(toHex(reading(hex).bin())).toBe('6869');
    }
    expect(refusal(() => reading('91cd0100').bin())).toBe('out-of-range');
  });

  test('bytes are views of the packet, not copies', () => {
    const packet = fromHex('a26869');
    const value = new MsgpackReader(packet).bin();
    packet[1] = 0x21;
    expect(toHex(value)).toBe('2169');
  });

  test('what is cut short is refused at every place', () => {
    const whole = 'da0003616263';
    for (let length = 0; length < whole.length; length += 2) {
      expect(refusal(() => reading(whole.slice(0, length)).text())).toBe('truncated');
    }
    expect(refusal(() => reading('').takeNil())).toBe('truncated');
  });

  test('a count that the bytes left cannot hold is refused before anything is made', () => {
    expect(refusal(() => reading('ddffffffff').arrayHeader())).toBe('truncated');
    expect(refusal(() => reading('dfffffffff').mapHeader())).toBe('truncated');
    expect(refusal(() => reading('ddffffffff00').bin())).toBe('truncated');
  });

  test('elements are counted over the whole message, so that nesting does not multiply them', () => {
    const reader = new MsgpackReader(fromHex(`dd00020000dd00020001${'00'.repeat(0x40001)}`));
    expect(reader.arrayHeader()).toBe(0x20000);
    expect(refusal(() => reader.arrayHeader())).toBe('too-many');
  });
});

test('integers and bytes come back as they went', () => {
  fc.assert(
    fc.property(
      fc.maxSafeInteger(),
      fc.uint8Array({ maxLength: 300 }),
      fc.double(),
      (number, bytes, float) => {
        const writer = new MsgpackWriter();
        writer.int(number);
        writer.bin(bytes);
        writer.float(float);
        const reader = new MsgpackReader(writer.bytes);
        expect(reader.int(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)).toBe(number);
        expect(reader.bin()).toEqual(bytes);
        expect(reader.float()).toBe(float);
        expect(reader.position).toBe(writer.bytes.length);
      },
    ),
  );
});
