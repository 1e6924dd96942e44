import { expect, test } from 'vitest';
import { encode } from '../../proto/codec.ts';
import type { LogRecord } from '../../proto/store/record.ts';
import {
  cutRecord,
  encodeHead,
  entryRecord,
  hardStateRecord,
  resetRecord,
} from '../../server/raft-records.ts';
import { RaftReplay } from '../../server/raft-replay.ts';

function entry(index: number, term: number): LogRecord {
  return entryRecord({ index, term, kind: 'command', data: Buffer.from(`${index}`) });
}

function membership(index: number, term: number, voters: string[]): LogRecord {
  const data = encode({ voters, outgoing: null, learners: [], addresses: {} });
  return entryRecord({ index, term, kind: 'membership', data });
}

function replay(records: readonly LogRecord[]): RaftReplay {
  const stored = new RaftReplay(1_000_000);
  for (const [at, record] of records.entries()) stored.apply({ ...record, position: at + 1 });
  return stored;
}

test('entries, a cut, and what came instead', () => {
  const vote = hardStateRecord({ term: 2, vote: 'b', commit: 1 });
  const stored = replay([entry(1, 1), entry(2, 1), entry(3, 1), cutRecord(2), entry(2, 2), vote]);
  expect([stored.index.first, stored.index.last, stored.index.term(2)]).toEqual([1, 2, 2]);
  expect(stored.cache.slice(1, 3, 1000)?.map(({ term }) => term)).toEqual([1, 2]);
  expect(stored.hardState).toEqual({ term: 2, vote: 'b', commit: 1 });
  expect(stored.era).toBe(1);
});

test('memberships that were cut do not count, nor those before a reset', () => {
  const records = [membership(1, 1, ['a']), membership(2, 1, ['a', 'b'])];
  expect(replay(records).membership?.membership.voters).toEqual(['a', 'b']);
  expect(replay([...records, cutRecord(2)]).membership).toMatchObject({
    index: 1,
    membership: { voters: ['a'] },
  });
  const reset = replay([...records, resetRecord({ index: 9, term: 4 })]);
  expect([reset.membership, reset.index.first, reset.index.term(9)]).toEqual([undefined, 10, 4]);
});

test('the head of the first segment that is left tells what the ones before it held', () => {
  const stored = new RaftReplay(1000);
  const hardState = { term: 5, vote: null, commit: 90 };
  stored.begin(encodeHead({ hardState, lastIndex: 100 }));
  stored.apply({ ...entry(101, 5), position: 1 });
  stored.begin(encodeHead({ hardState: { term: 9, vote: null, commit: 0 }, lastIndex: 7 }));
  expect([stored.index.first, stored.index.last, stored.hardState]).toEqual([101, 101, hardState]);
});

test('a record of a newer program stops with advice', () => {
  expect(() => replay([{ type: 99, body: new Uint8Array(0) }])).toThrow('newer version');
});
