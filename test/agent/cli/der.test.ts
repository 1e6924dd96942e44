import { expect, test } from 'vitest';
import * as der from '../../../agent/cli/der.ts';

test.each([
  ['a small number', der.integer(Buffer.of(2)), '020102'],
  ['a number whose highest bit is set stays positive', der.integer(Buffer.of(0xff)), '020200ff'],
  ['zeros in front say nothing', der.integer(Buffer.of(0, 0, 7)), '020107'],
  ['zero', der.integer(Buffer.of(0, 0)), '020100'],
  ['an object id', der.oid('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
  ['a bit string', der.bitString(Buffer.of(6), 1), '03020106'],
  ['text', der.utf8('é'), '0c02c3a9'],
  ['nothing', der.sequence(), '3000'],
  ['one in another', der.explicit(0, der.boolean(true)), 'a0030101ff'],
  ['a tag in the place of a type', der.implicit(2, Buffer.from('a')), '820161'],
  ['a time before 2050', der.time(new Date('2026-11-22T03:12:00Z')), '170d3236313132323033313230305a'],
  ['a time after 2049', der.time(new Date('2050-01-02T03:04:05Z')), '180f32303530303130323033303430355a'],
])('%s', (_, bytes, hex) => {
  expect(bytes.toString('hex')).toBe(hex);
});

test('a length of 128 and more takes bytes of its own', () => {
  expect(der.octetString(Buffer.alloc(127)).subarray(0, 2).toString('hex')).toBe('047f');
  expect(der.octetString(Buffer.alloc(128)).subarray(0, 3).toString('hex')).toBe('048180');
  expect(der.octetString(Buffer.alloc(300)).subarray(0, 4).toString('hex')).toBe('0482012c');
});
