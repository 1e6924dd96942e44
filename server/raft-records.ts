/**
 * What lies in the Raft log, as records of a `SegmentLog`. Types and layouts are on disk: they are added to, never changed.
 *
 *   1 entry       u48 index, u48 term, u8 kind, data
 *   2 cut         u48 index: every entry from here on is void
 *   3 hard state  encoded value
 *   4 reset       u48 index, u48 term: a snapshot took the place of every entry before this record
 */
import { assert } from '../proto/assert.ts';
import { decode, encode } from '../proto/codec.ts';
import type { Entry, EntryKind, HardState } from '../proto/raft.ts';
import type { LogRecord } from '../proto/store/record.ts';

export const recordType = { entry: 1, cut: 2, hardState: 3, reset: 4 } as const;

const kinds: readonly EntryKind[] = ['noop', 'command', 'membership'];
const entryHeaderBytes = 13;

/** The state before the first record of a segment, kept in its marker for the time when the segments before are gone. */
export interface SegmentHead {
  readonly hardState: HardState;
  readonly lastIndex: number;
}

/** A record on its way to the disk, and the entry in it, so that nobody has to read again what was just written. */
export interface RaftRecord extends LogRecord {
  readonly entry?: Entry;
}

export function entryRecord(entry: Entry): RaftRecord {
  const body = Buffer.allocUnsafe(entryHeaderBytes + entry.data.length);
  body.writeUIntLE(entry.index, 0, 6);
  body.writeUIntLE(entry.term, 6, 6);
  body[12] = kinds.indexOf(entry.kind);
  body.set(entry.data, entryHeaderBytes);
  // The data may be a small part of a large message, which would live on with it: that of the record is its own.
  const { index, term, kind } = entry;
  const data = body.subarray(entryHeaderBytes);
  return { type: recordType.entry, body, entry: { index, term, kind, data } };
}

/** The data of the entry is a view into the record. */
export function parseEntry(record: LogRecord): Entry {
  const body = bufferOf(record.body);
  const kind = kinds[body[12] ?? -1];
  assert(kind !== undefined, 'an entry record holds an entry of a known kind');
  return {
    index: body.readUIntLE(0, 6),
    term: body.readUIntLE(6, 6),
    kind,
    data: body.subarray(entryHeaderBytes),
  };
}

export function cutRecord(from: number): LogRecord {
  const body = Buffer.allocUnsafe(6);
  body.writeUIntLE(from, 0, 6);
  return { type: recordType.cut, body };
}

export function parseCut(record: LogRecord): number {
  return bufferOf(record.body).readUIntLE(0, 6);
}

export function hardStateRecord(hardState: HardState): LogRecord {
  return { type: recordType.hardState, body: encode(hardState) };
}

export function parseHardState(record: LogRecord): HardState {
  return decode(record.body) as HardState;
}

export function resetRecord({ index, term }: { readonly index: number; readonly term: number }): LogRecord {
  const body = Buffer.allocUnsafe(12);
  body.writeUIntLE(index, 0, 6);
  body.writeUIntLE(term, 6, 6);
  return { type: recordType.reset, body };
}

export function parseReset(record: LogRecord): { index: number; term: number } {
  const body = bufferOf(record.body);
  return { index: body.readUIntLE(0, 6), term: body.readUIntLE(6, 6) };
}

export function encodeHead(head: SegmentHead): Uint8Array {
  return encode(head);
}

/** Undefined for the first segment of a log, which has nothing before it. */
export function parseHead(head: Uint8Array): SegmentHead | undefined {
  return head.length === 0 ? undefined : (decode(head) as SegmentHead);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
