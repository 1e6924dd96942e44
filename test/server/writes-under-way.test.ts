import { expect, test } from 'vitest';
import type { RaftMessage } from '../../proto/raft.ts';
import { WritesUnderWay } from '../../server/writes-under-way.ts';

function vote(to: string): RaftMessage {
  return { type: 'heartbeatAnswer', from: 'a', to, term: 1, round: 1 };
}

test('what vouches for a write waits for it, and for all before it', () => {
  const writes = new WritesUnderWay();
  writes.begin(1, [vote('b')]);
  writes.begin(2, []);
  expect(writes.hold([vote('c')])).toBe(true);
  writes.begin(3, [vote('d')]);
  expect(writes.count).toBe(3);
  expect(writes.end(2)).toEqual([[vote('b')], [vote('c')]]);
  expect(writes.count).toBe(1);
  expect(writes.end(2)).toEqual([]);
  expect(writes.end(3)).toEqual([[vote('d')]]);
});

test('holds nothing back while no write is under way', () => {
  const writes = new WritesUnderWay();
  expect(writes.hold([vote('b')])).toBe(false);
  writes.begin(1, []);
  writes.end(1);
  expect(writes.hold([vote('b')])).toBe(false);
});
