import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  parseRecord,
  provenBehind,
  recordEnd,
  recordHeaderBytes,
  writeRecord,
} from '../../../proto/store/record.ts';

const place = { position: 41, previous: 7, durable: 38, endsGroup: true };

function written(body: Uint8Array, at = 0, where = place, type = 5): Buffer {
  const bytes = Buffer.alloc(at + recordHeaderBytes + body.length + 10);
  writeRecord(bytes, at, { type, body }, where);
  return bytes;
}

test('the layout is what the documentation says, byte for byte', () => {
  const bytes = written(Buffer.from('hello'));
  expect(bytes.subarray(4, 28).toString('hex')).toBe(
    '07000000' + '05000000' + '290000000000' + '03000000' + '85' + '68656c6c6f',
  );
});

test('what was written is read, wherever it stands', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.nat(50),
      fc.integer({ min: 1, max: 126 }),
      (body, at, type) => {
        const bytes = written(body, at, place, type);
        const record = parseRecord(bytes, at, bytes.length)!;
        expect(record).toMatchObject({ position: 41, previous: 7, durable: 38, endsGroup: true, type });
        expect(Buffer.compare(record.body, body)).toBe(0);
        expect(record.next).toBe(at + recordHeaderBytes + body.length);
      },
    ),
  );
});

test('any flipped bit makes it unreadable', () => {
  const bytes = written(Buffer.from('hello'));
  for (let bit = 0; bit < (recordHeaderBytes + 5) * 8; bit++) {
    bytes[bit >> 3]! ^= 1 << (bit & 7);
    expect(parseRecord(bytes, 0, bytes.length), `bit ${bit}`).toBeUndefined();
    bytes[bit >> 3]! ^= 1 << (bit & 7);
  }
  expect(parseRecord(bytes, 0, bytes.length)).toBeDefined();
});

test('zeros are no record, and one that is cut off says where it would end', () => {
  const bytes = written(Buffer.from('hello'));
  expect(parseRecord(Buffer.alloc(100), 0, 100)).toBeUndefined();
  expect(recordEnd(Buffer.alloc(100), 0, 100)).toBeUndefined();
  expect(parseRecord(bytes, 0, 27)).toBeUndefined();
  expect(recordEnd(bytes, 0, 27)).toBe(28);
  expect(recordEnd(bytes, 0, 10)).toBeUndefined();
});

test('a record that is not ahead of what is durable is a bug', () => {
  expect(() => written(Buffer.alloc(1), 0, { ...place, durable: 41 })).toThrow('ahead');
});

describe('what lies behind an unreadable place', () => {
  test('the first later record proves what was durable before it, wherever it stands', () => {
    for (const at of [1, 30, 31, 32, 33]) {
      const bytes = written(Buffer.from('later'), at);
      bytes.fill(0xaa, 0, at);
      const found: number[] = [];
      expect(provenBehind(bytes, 0, 30, ({ position }) => found.push(position))).toBe(38);
      expect(found).toEqual([41]);
    }
  });

  test('an older record that happens to stand there proves nothing', () => {
    const bytes = written(Buffer.from('older'), 50);
    expect(provenBehind(bytes, 0, 42, () => {})).toBe(0);
  });

  test('random bytes prove nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 100, maxLength: 2000 }), (bytes) => {
        expect(provenBehind(Buffer.from(bytes), 0, 1, () => {})).toBe(0);
      }),
    );
  });

  test('a body that ends in zeros is found as well', () => {
    const bytes = written(Buffer.alloc(40), 20);
    expect(provenBehind(bytes, 0, 30, () => {})).toBe(38);
  });
});
