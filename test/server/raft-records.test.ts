import { expect, test } from 'vitest';
import {
  cutRecord,
  encodeHead,
  entryRecord,
  hardStateRecord,
  parseCut,
  parseEntry,
  parseHardState,
  parseHead,
  parseReset,
  recordType,
  resetRecord,
} from '../../server/raft-records.ts';

test('an entry is index, term, kind and data, byte for byte', () => {
  const record = entryRecord({ index: 258, term: 3, kind: 'command', data: Buffer.from('xy') });
  expect(record.type).toBe(recordType.entry);
  expect(Buffer.from(record.body).toString('hex')).toBe('020100000000' + '030000000000' + '01' + '7879');
});

test('everything comes back as it was, also with large numbers', () => {
  const large = 2 ** 47 + 1;
  for (const kind of ['noop', 'command', 'membership'] as const) {
    const entry = { index: large, term: large, kind, data: Buffer.from(kind) };
    expect(parseEntry(entryRecord(entry))).toEqual(entry);
  }
  expect(parseCut(cutRecord(large))).toBe(large);
  expect(parseReset(resetRecord({ index: large, term: 7 }))).toEqual({ index: large, term: 7 });
  const hardState = { term: 7, vote: 'a', commit: large };
  expect(parseHardState(hardStateRecord(hardState))).toEqual(hardState);
  expect(parseHead(encodeHead({ hardState, lastIndex: 9 }))).toEqual({ hardState, lastIndex: 9 });
});

test('the entry of a record lives on its own, not on the message that brought it', () => {
  const message = Buffer.alloc(1_000_000, 'x');
  const { entry, body } = entryRecord({ index: 1, term: 2, kind: 'command', data: message.subarray(7, 9) });
  expect(entry).toEqual({ index: 1, term: 2, kind: 'command', data: Buffer.from('xx') });
  expect(entry!.data.buffer).toBe(body.buffer);
  expect(entry!.data.buffer.byteLength).toBeLessThan(message.length);
});

test('the first segment of a log has no head', () => {
  expect(parseHead(new Uint8Array(0))).toBeUndefined();
});

test('an entry of an unknown kind is a bug, since its checksum was right', () => {
  const { type, body } = entryRecord({ index: 1, term: 1, kind: 'noop', data: new Uint8Array(0) });
  body[12] = 9;
  expect(() => parseEntry({ type, body })).toThrow('known kind');
});
