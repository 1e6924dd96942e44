import { expect, test } from 'vitest';
import { encode } from '../../../proto/codec.ts';
import { ExpectedError } from '../../../proto/errors.ts';
import {
  asRefusal,
  decodeObject,
  decodeRefusal,
  encodeRefusal,
  Refusal,
} from '../../../server/rpc/refusal.ts';

test('a refusal is told to the other side with its code and its reason', () => {
  const refusal = new Refusal('foreign_cluster', 'FOREIGN_CLUSTER', 'cluster a over there, b here');
  expect(decodeRefusal(encodeRefusal(refusal))).toMatchObject({
    code: 'FOREIGN_CLUSTER',
    message: 'refused by the other side: cluster a over there, b here',
  });
});

test('giants and garbage get their word for the counter; bugs stay bugs', () => {
  expect(asRefusal(new ExpectedError('TOO_LARGE')).reason).toBe('oversized');
  expect(asRefusal(new ExpectedError('PROTOCOL')).reason).toBe('garbage');
  expect(() => asRefusal(new TypeError('bug'))).toThrow(TypeError);
});

test('a body that should be an object is one', () => {
  expect(decodeObject(encode({ a: 1 }))).toEqual({ a: 1 });
  for (const body of [encode([1]), encode(null), encode('x'), new Uint8Array([0xc1, 0])]) {
    expect(() => decodeObject(body)).toThrow(Refusal);
  }
});
