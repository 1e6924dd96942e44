import { expect, test } from 'vitest';
import type { SerfPushPull, SerfQuery } from '../../../proto/gossip/messages.ts';
import { decodeSerf, encodeSerf } from '../../../proto/gossip/serf.ts';
import { fromHex, toHex } from './golden.ts';

const nothing = new Uint8Array(0);

const query: SerfQuery = {
  type: 'serf.query',
  ltime: 1,
  id: 7,
  addr: Uint8Array.of(127, 0, 0, 1),
  port: 8301,
  sourceNode: 'web-3',
  filters: [],
  flags: 0,
  relayFactor: 0,
  timeoutNs: 5_000_000_000,
  name: 'uptime',
  payload: null,
};

test('fields that older agents leave out have their zero values', () => {
  expect(decodeSerf(fromHex('0082a54c54696d6508a44e6f6465a27034'))).toEqual({
    message: { type: 'serf.leave', ltime: 8, node: 'p4', prune: false },
  });
  expect(decodeSerf(fromHex('0881a6526573756c74c3'))).toEqual({
    message: { type: 'serf.keyResponse', result: true, message: '', keys: null, primaryKey: '' },
  });
});

test('a clock up to 2^53 - 1 is exact, one beyond is refused', () => {
  const last = encodeSerf({ type: 'serf.join', ltime: Number.MAX_SAFE_INTEGER, node: 'p4' });
  expect(decodeSerf(last).message).toMatchObject({ ltime: Number.MAX_SAFE_INTEGER });
  const beyond = toHex(last).replace('cf001fffffffffffff', 'cfffffffffffffffff');
  expect(decodeSerf(fromHex(beyond))).toEqual({ refused: 'out-of-range' });
});

test('empty slots of the event buffer may be left out or sent as nil', () => {
  const state: SerfPushPull = {
    type: 'serf.pushPull',
    ltime: 3,
    eventLtime: 2,
    queryLtime: 1,
    statusLtimes: new Map([['web-3', 2]]),
    leftMembers: ['old-1'],
    events: [null, { ltime: 1, events: [{ name: 'deploy', payload: null }] }, null],
  };
  expect(decodeSerf(encodeSerf(state)).message).toEqual(state);
  expect(decodeSerf(encodeSerf({ ...state, events: [] })).message).toEqual({ ...state, events: [] });
});

test('"never heard of it" is an answer', () => {
  expect(toHex(encodeSerf({ type: 'serf.conflictResponse', member: null }))).toBe('06c0');
  expect(decodeSerf(fromHex('06c0')).message).toEqual({ type: 'serf.conflictResponse', member: null });
});

test('a relay carries its message untouched, also one that we cannot read', () => {
  const relay = {
    type: 'serf.relay',
    destAddr: Uint8Array.of(127, 0, 0, 1),
    destPort: 8301,
    destZone: '',
    destName: 'web-3',
    inner: fromHex('63deadbeef'),
  } as const;
  expect(decodeSerf(encodeSerf(relay)).message).toEqual(relay);
  const header = toHex(encodeSerf(relay)).replace('63deadbeef', '');
  expect(decodeSerf(fromHex(header))).toEqual({ refused: 'empty' });
  expect(() => encodeSerf({ ...relay, inner: nothing })).toThrow('invariant');
});

test.each([
  { ...query, filters: [nothing] },
  { ...query, name: '_serf_install-key' },
  { ...query, name: '_serf_use-key', payload: nothing },
  { ...query, name: '_serf_remove-key' },
])('a query that stock agents die of is neither passed on nor sent: $name', (deadly) => {
  // The same query with a filter or a key in it is harmless; take those out of its bytes.
  const harmless = encodeSerf({ ...deadly, filters: [Uint8Array.of(0xee)], payload: Uint8Array.of(0xdd) });
  const bytes = toHex(harmless)
    .replace('91a1ee', deadly.filters.length === 0 ? 'c0' : '91a0')
    .replace('a1dd', deadly.payload === null ? 'c0' : 'a0');
  expect(decodeSerf(fromHex(bytes))).toEqual({ refused: 'bad-query' });
  expect(() => encodeSerf(deadly)).toThrow('invariant');
});

test('a list of keys needs no key', () => {
  const list = { ...query, name: '_serf_list-keys' };
  expect(decodeSerf(encodeSerf(list)).message).toEqual(list);
});

test('other bytes are refused by name', () => {
  expect(decodeSerf(nothing)).toEqual({ refused: 'empty' });
  expect(decodeSerf(fromHex('0a80'))).toEqual({ refused: 'unknown-type' });
  expect(decodeSerf(fromHex('03'))).toEqual({ refused: 'truncated' });
  expect(decodeSerf(fromHex('0305'))).toEqual({ refused: 'bad-type' });
});
