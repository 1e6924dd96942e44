import { expect, test } from 'vitest';
import { markerType, recordHeaderBytes, writeRecord } from '../../../proto/store/record.ts';
import {
  encodeMarker,
  readMarker,
  type Scan,
  type Surroundings,
  scanSegment,
} from '../../../proto/store/scan.ts';

const marker = {
  owner: { node: 'n' },
  first: 11,
  previousFirst: 1,
  previousChecksum: 99,
  head: Buffer.from('head'),
};

/** A segment that begins at 11 and holds groups of so many records; each group was written when the ones before were durable. */
function segment(groups: readonly number[]): { bytes: Buffer; ends: number[]; checksum: number } {
  const bytes = Buffer.alloc(4096);
  const body = encodeMarker(marker);
  const at = { position: 11, previous: 99, durable: 10, endsGroup: true };
  let checksum = writeRecord(bytes, 0, { type: markerType, body }, at);
  let end = recordHeaderBytes + body.length;
  const ends = [end];
  let position = 11;
  for (const size of groups) {
    const durable = position - 1;
    for (let i = 1; i <= size; i++) {
      const record = { type: 1, body: Buffer.from(`r${position}`) };
      checksum = writeRecord(bytes, end, record, {
        position,
        previous: checksum,
        durable,
        endsGroup: i === size,
      });
      end += recordHeaderBytes + record.body.length;
      ends.push(end);
      position++;
    }
  }
  return { bytes, ends, checksum };
}

function scan(
  bytes: Buffer,
  around: Partial<Surroundings> = {},
): Scan & { seen: string[]; salvaged: string[] } {
  const seen: string[] = [];
  const salvaged: string[] = [];
  const result = scanSegment(
    bytes,
    readMarker(bytes)!,
    { first: 11, following: null, acknowledged: 0, ...around },
    {
      record: ({ body }) => seen.push(Buffer.from(body).toString()),
      salvaged: ({ body }) => salvaged.push(Buffer.from(body).toString()),
    },
  );
  return { ...result, seen, salvaged };
}

test('the marker comes back with its ids and its head', () => {
  expect(readMarker(segment([]).bytes)).toMatchObject({ first: 11, previousFirst: 1, owner: { node: 'n' } });
  expect(readMarker(Buffer.alloc(100))).toBeUndefined();
});

test('a good segment is clean, and tells where it ends', () => {
  const { bytes, ends, checksum } = segment([1, 2]);
  expect(scan(bytes)).toMatchObject({
    verdict: 'clean',
    next: 14,
    end: ends[3],
    checksum,
    seen: ['r11', 'r12', 'r13'],
  });
  expect(scan(bytes, { acknowledged: 13 }).verdict).toBe('clean');
  expect(scan(segment([]).bytes)).toMatchObject({ verdict: 'clean', next: 11, seen: [] });
});

test('an unfinished group at the end is torn, and counts for nothing', () => {
  const { bytes, ends } = segment([1, 2]);
  bytes.fill(0, ends[2]);
  expect(scan(bytes)).toMatchObject({ verdict: 'torn', next: 12, end: ends[1], seen: ['r11'] });
});

test('it is damage when the hint, a later group or a later segment proves that it was durable', () => {
  const { bytes, ends, checksum } = segment([1, 2]);
  bytes[ends[2]! + 3]! ^= 1;
  expect(scan(bytes, { acknowledged: 13 })).toMatchObject({
    verdict: 'damaged',
    next: 12,
    lostTo: 13,
    salvaged: ['r12'],
  });
  const following = { first: 14, previousChecksum: checksum };
  expect(scan(bytes, { following })).toMatchObject({ verdict: 'damaged', next: 12, lostTo: 13 });

  const later = segment([1, 2, 1]);
  later.bytes[later.ends[2]! + 3]! ^= 1;
  expect(scan(later.bytes)).toMatchObject({
    verdict: 'damaged',
    next: 12,
    lostTo: 13,
    salvaged: ['r12', 'r14'],
  });
});

test('what follows an older end than the next segment says is missing', () => {
  const { bytes, checksum } = segment([1, 2]);
  expect(scan(bytes, { following: { first: 14, previousChecksum: checksum } }).verdict).toBe('clean');
  expect(scan(bytes, { following: { first: 16, previousChecksum: checksum } })).toMatchObject({
    verdict: 'damaged',
    next: 14,
    lostTo: 15,
  });
  expect(scan(bytes, { following: { first: 14, previousChecksum: 1 } }).verdict).toBe('damaged');
});

test('a record of another history does not fit in, though its checksum is right', () => {
  const { bytes, ends } = segment([1, 1]);
  const record = { type: 1, body: Buffer.from('r12') };
  writeRecord(bytes, ends[1]!, record, { position: 12, previous: 4711, durable: 11, endsGroup: true });
  expect(scan(bytes)).toMatchObject({ verdict: 'torn', seen: ['r11'] });
});

test('each 64th record is in the index', () => {
  const { bytes } = segment(Array(130).fill(1));
  const { index, seen } = scan(bytes);
  expect(seen).toHaveLength(130);
  expect(index).toHaveLength(3);
  for (const [at, offset] of index.entries()) {
    expect(bytes.readUIntLE(offset + 12, 6)).toBe(11 + 64 * at);
  }
});
