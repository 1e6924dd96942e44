import { expect, test } from 'vitest';
import { ExpectedError } from '../../../proto/errors.ts';
import { decodeTags, encodeTags, metaBytesMax } from '../../../proto/gossip/tags.ts';
import { fromHex, toHex } from './golden.ts';

test('no tags at all is not the same as nothing said', () => {
  expect(toHex(encodeTags(new Map()))).toBe('ff80');
  expect(decodeTags(fromHex('ff80'))).toEqual(new Map());
  expect(decodeTags(new Uint8Array(0))).toEqual(new Map([['role', '']]));
});

test('meta of agents from before tags is their role', () => {
  expect(decodeTags(Buffer.from('legacy'))).toEqual(new Map([['role', 'legacy']]));
});

test('damaged meta is a member without tags', () => {
  for (const hex of ['ff', 'ff81a161', 'ff05', 'ff81a16101', 'ffdfffffffff']) {
    expect(decodeTags(fromHex(hex))).toEqual(new Map());
  }
});

test('512 bytes are announced, 513 are refused with the size and the longest tag', () => {
  // ff, map header, two keys of 2 bytes, values with 1 and 3 bytes of header.
  const full = metaBytesMax - 2 - 2 - 2 - 1 - 3;
  const tags = new Map([
    ['a', ''],
    ['b', 'x'.repeat(full)],
  ]);
  expect(encodeTags(tags).length).toBe(metaBytesMax);
  tags.set('a', '1');
  expect(() => encodeTags(tags)).toThrow(ExpectedError);
  expect(() => encodeTags(tags)).toThrow('the tags take 513 bytes of at most 512; the longest is b');
});
