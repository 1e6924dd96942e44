import { expect, test } from 'vitest';
import { SegmentLog } from '../../proto/store/segments.ts';
import { OlderEntries } from '../../server/older-entries.ts';
import { cutRecord, entryRecord } from '../../server/raft-records.ts';
import { RaftReplay } from '../../server/raft-replay.ts';
import { SimDisk } from '../sim/disk.ts';
import { SeededRandom } from '../sim/random.ts';

const data = Buffer.alloc(100);

async function parts(count = 500): Promise<{
  disk: SimDisk;
  log: SegmentLog;
  stored: RaftReplay;
  older: OlderEntries;
  told: string[];
  write: (records: ReturnType<typeof cutRecord>[]) => Promise<void>;
}> {
  const disk = new SimDisk({ random: new SeededRandom('older') });
  const log = await SegmentLog.open(disk, '/data', { segmentBytes: count > 1000 ? 1_000_000 : 16_384 });
  const stored = new RaftReplay(100);
  const told: string[] = [];
  const older = new OlderEntries(log, stored, {
    onLoaded: () => told.push('loaded'),
    onFault: (error) => told.push(String(error)),
  });
  const write = async (records: ReturnType<typeof cutRecord>[]): Promise<void> => {
    let position = log.next;
    await log.append(records);
    for (const record of records) stored.apply({ ...record, position: position++ });
  };
  await write(
    Array.from({ length: count }, (_, i) => entryRecord({ index: i + 1, term: 1, kind: 'command', data })),
  );
  return { disk, log, stored, older, told, write };
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the first question loads, however often it is asked, and the next ones are answered', async () => {
  const { disk, older, told } = await parts();
  let reads = 0;
  disk.onOperation = ({ name }) => {
    if (name === 'read') reads++;
  };
  expect([older.slice(100, 110, 1000), older.slice(100, 110, 1000)]).toEqual(['loading', 'loading']);
  await soon();
  const readOnce = reads;
  expect(told).toEqual(['loaded']);
  const entries = older.slice(100, 110, 1_000_000);
  expect(entries !== 'loading' && entries.map(({ index }) => index)).toEqual([
    100, 101, 102, 103, 104, 105, 106, 107, 108, 109,
  ]);
  expect(older.slice(300, 301, 10)).toHaveLength(1);
  expect(reads).toBe(readOnce);
});

test('a cut voids what was read before it', async () => {
  const { older, write } = await parts();
  older.slice(100, 110, 1000);
  await soon();
  await write([cutRecord(300), entryRecord({ index: 300, term: 2, kind: 'command', data })]);
  expect(older.slice(100, 110, 1000)).toBe('loading');
  await soon();
  const entries = older.slice(298, 301, 1000);
  expect(entries !== 'loading' && entries.map(({ term }) => term)).toEqual([1, 1, 2]);
});

test('a cut voids what is being read, also when somebody asks for something else meanwhile', async () => {
  const { disk, older, stored } = await parts(3000);
  let reads = 0;
  disk.onOperation = ({ name }) => {
    // The first thousand entries have been read, the others have not.
    if (name !== 'open' || ++reads !== 2) return;
    stored.apply({ ...cutRecord(500), position: 9000 });
    stored.apply({ ...entryRecord({ index: 500, term: 2, kind: 'command', data }), position: 9001 });
    older.slice(499, 501, 1000);
  };
  older.slice(40, 60, 1000);
  await soon();
  expect(older.slice(500, 501, 1000)).toBe('loading');
});

test('entries that were compacted away meanwhile are no fault: whoever waits may ask again', async () => {
  const { older, told, stored, log } = await parts();
  expect(older.slice(1, 10, 1000)).toBe('loading');
  stored.compact(400, 400);
  await log.trim(stored.index.positionBefore(400)!);
  await soon();
  expect(told).toEqual(['loaded']);
});

test('entries that cannot be read are told', async () => {
  const { disk, older, told } = await parts();
  disk.failures.push({ name: 'read', code: 'EIO' });
  older.slice(1, 10, 1000);
  await soon();
  expect(told).toHaveLength(1);
  expect(told[0]).toContain('the device reports an error');
});

test('what is held is bounded: the stretch that was read first goes first', async () => {
  const { older, told } = await parts();
  // From the end on, so that none of them lies in another one that was read before.
  for (let from = 490; from > 400; from -= 10) {
    older.slice(from, from + 1, 1000);
    await soon();
  }
  expect(told).toHaveLength(9);
  expect(older.slice(410, 411, 1000)).toHaveLength(1);
});
