import { expect, test } from 'vitest';
import { MsgpackReader, MsgpackWriter } from '../../../proto/gossip/msgpack.ts';
import { Refusal } from '../../../proto/gossip/refusal.ts';
import {
  bytes,
  type Kind,
  list,
  mapOf,
  nullable,
  readOrZero,
  struct,
  text,
  u8,
  u16,
} from '../../../proto/gossip/struct.ts';
import { fromHex, toHex } from './golden.ts';

interface Host {
  readonly type: 'host';
  readonly name: string;
  readonly port: number;
  readonly key: Uint8Array | null;
}

const host = struct<Host>(
  [
    { key: 'Key', name: 'key', kind: nullable(bytes) },
    { key: 'Name', name: 'name', kind: text },
    { key: 'Port', name: 'port', kind: u16, omitEmpty: true },
  ],
  { type: 'host' },
);

function encode<T>(kind: Kind<T>, value: T): string {
  const writer = new MsgpackWriter();
  kind.write(writer, value);
  return toHex(writer.bytes);
}

function decode<T>(kind: Kind<T>, hex: string): T {
  return readOrZero(new MsgpackReader(fromHex(hex)), kind);
}

const web: Host = { type: 'host', name: 'web', port: 80, key: null };

test('a struct is a map in the order of its table; empty optional fields are left out', () => {
  expect(encode(host, web)).toBe('83a34b6579c0a44e616d65a3776562a4506f727450');
  expect(encode(host, { ...web, port: 0 })).toBe('82a34b6579c0a44e616d65a3776562');
});

test('keys may come in any order, unknown ones are skipped with all they hold, the last of two wins', () => {
  const shuffled = '84a4506f727450a54f7468657281a16192c0c0a44e616d65a3646e73a44e616d65a3776562';
  expect(decode(host, shuffled)).toEqual(web);
});

test('what is missing or nil has its zero value', () => {
  const empty: Host = { type: 'host', name: '', port: 0, key: null };
  expect(decode(host, '80')).toEqual(empty);
  expect(decode(host, 'c0')).toEqual(empty);
  expect(decode(host, '82a44e616d65c0a4506f7274c0')).toEqual(empty);
});

test('nil and empty bytes differ only where the type says so', () => {
  expect(decode(host, '81a34b6579a0').key).toEqual(new Uint8Array(0));
  expect(decode(bytes, 'c0')).toEqual(new Uint8Array(0));
});

test('keys are case-sensitive', () => {
  expect(decode(host, '81a46e616d65a3776562').name).toBe('');
});

test('lists and maps nest, and an empty list may travel as nil', () => {
  const lists = list(nullable(list(u8)));
  expect(encode(lists, [[1, 2], null, []])).toBe('93920102c090');
  expect(decode(lists, '93920102c090')).toEqual([[1, 2], null, []]);
  expect(encode(list(u8, { nilWhenEmpty: true }), [])).toBe('c0');
  expect(decode(list(u8), 'c0')).toEqual([]);

  const ages = new Map([
    ['b', 2],
    ['a', 1],
  ]);
  expect(encode(mapOf(u8), ages)).toBe('82a16202a16101');
  expect(decode(mapOf(u8), '82a16202a16101')).toEqual(ages);
});

test('a number outside its field is refused when it comes and a bug when we send it', () => {
  expect(() => decode(host, '81a4506f7274ce00010000')).toThrow(new Refusal('out-of-range'));
  expect(() => encode(host, { ...web, port: 65536 })).toThrow('invariant');
});
