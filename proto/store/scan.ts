/**
 * Reads one segment file that lies in memory and says what it is worth (raft.md 3.4):
 *
 *   clean    every record reads well and behind them are zeros only
 *   torn     the end is unreadable, and nothing proves that it had ever been durable: it may be cut
 *   damaged  something is missing that was durable once: never cut without being told to
 *
 * Proof that a position had been durable: a readable record behind it that says so, the next segment, or the hint.
 */
import { decode, encode } from '../codec.ts';
import { ExpectedError } from '../errors.ts';
import { markerType, type ParsedRecord, parseRecord, provenBehind, type StoredRecord } from './record.ts';

/** Raised when the bytes of a log file get another meaning. */
const segmentFormat = 1;
/** The index remembers where each so many-th record begins. */
export const indexStride = 64;

/** First record of each segment. */
export interface Marker {
  /** Whose log this is: ids by name (`node`, `cluster`, `journal` …); '' when not known yet. */
  readonly owner: Readonly<Record<string, string>>;
  /** Position of the first record of this segment, and of the segment before it (0 when this was the first). */
  readonly first: number;
  readonly previousFirst: number;
  /** Checksum of the last record of the segment before. */
  readonly previousChecksum: number;
  /** Whatever the owner of the log needs when everything before this segment has been trimmed. */
  readonly head: Uint8Array;
}

export interface ScannedMarker extends Marker {
  readonly checksum: number;
  readonly end: number;
}

/** What the rest of the log says about this segment. */
export interface Surroundings {
  /** Position of the first record, from the file's name. */
  readonly first: number;
  /** The segment behind this one, when there is one: it was made only after everything before it was durable. */
  readonly following: Pick<Marker, 'first' | 'previousChecksum'> | null;
  /** Highest position that was acknowledged, as far as the hint knows; 0 when it does not. */
  readonly acknowledged: number;
}

export interface Scan {
  /** Position behind the last good record, and where in the file that record ends. */
  readonly next: number;
  readonly end: number;
  readonly checksum: number;
  /** Offsets in the file of the records first, first + 64, first + 128 … */
  readonly index: number[];
  /** Offset from which on no good record proves that it had been durable; `end` when all of it is proven. */
  readonly unproven: number;
  readonly verdict: 'clean' | 'torn' | 'damaged';
  /** For people; '' when clean. */
  readonly reason: string;
  /** Damaged: last position that is known to have been durable. */
  readonly lostTo: number;
}

/** Bodies are views of a whole file: whoever keeps a small part of them copies it. */
export interface ScanVisitor {
  record?(record: StoredRecord): void;
  /** A readable record behind damage. It is not part of the log, but says what there was. */
  salvaged?(record: StoredRecord): void;
}

/** The format number stands in front, so that it can be read whatever a later format puts behind it. */
export function encodeMarker(marker: Marker): Uint8Array {
  return Buffer.concat([Uint8Array.of(segmentFormat), encode(marker)]);
}

/** The marker, or undefined when the file does not begin with a readable one. Throws DISK_FOREIGN for another format. */
export function readMarker(bytes: Buffer): ScannedMarker | undefined {
  const record = parseRecord(bytes, 0, bytes.length);
  if (record?.type !== markerType) return undefined;
  const format = record.body[0];
  if (format !== segmentFormat) {
    const text = `log file of format ${format}, and this program knows ${segmentFormat}: start the newer version again`;
    throw new ExpectedError('DISK_FOREIGN', text);
  }
  const marker = decode(record.body.subarray(1)) as Marker;
  return { ...marker, checksum: record.checksum, end: record.next };
}

export function scanSegment(
  bytes: Buffer,
  marker: ScannedMarker,
  around: Surroundings,
  visit: ScanVisitor = {},
): Scan {
  const index: number[] = [];
  let group: ParsedRecord[] = [];
  let groupAt = marker.end;
  let at = marker.end;
  let checksum = marker.checksum;
  let groupChecksum = checksum;
  let position = around.first;
  let durable = 0;

  const closeGroup = (): void => {
    for (const record of group) {
      if ((record.position - around.first) % indexStride === 0) index.push(groupAt);
      groupAt = record.next;
      durable = record.durable;
      visit.record?.(record);
    }
    group = [];
    groupChecksum = checksum;
  };

  for (;;) {
    const record = parseRecord(bytes, at, bytes.length);
    if (!record || record.type === markerType) break;
    if (record.position !== position || record.previous !== checksum) break;
    group.push(record);
    checksum = record.checksum;
    at = record.next;
    position++;
    if (record.endsGroup) closeGroup();
  }

  const result = (verdict: Scan['verdict'], reason = '', lostTo = 0): Scan => ({
    next: position - group.length,
    end: groupAt,
    checksum: groupChecksum,
    index,
    unproven: index[Math.floor(Math.max(0, durable + 1 - around.first) / indexStride)] ?? groupAt,
    verdict,
    reason,
    lostTo,
  });

  const { following, acknowledged } = around;
  if (following && following.first === position && following.previousChecksum === checksum) {
    closeGroup();
    return result('clean');
  }
  const restIsEmpty = group.length === 0 && isZero(bytes, at);
  if (restIsEmpty && !following && acknowledged < position) return result('clean');

  // A group counts whole: what reads well of the one that is cut short is shown with what lies behind.
  const salvaged: StoredRecord[] = [...group];
  const proven = provenBehind(bytes, at, position, (record) => salvaged.push(record));
  const lostTo = Math.max(proven, acknowledged, following ? following.first - 1 : 0);
  const lostFrom = position - group.length;
  if (!following && lostTo < lostFrom) return result('torn', `unreadable from byte ${groupAt} on`);
  for (const record of salvaged) visit.salvaged?.(record);
  const reason = restIsEmpty ? 'records are missing' : `record at byte ${at} is unreadable`;
  return result('damaged', reason, Math.max(lostTo, position));
}

function isZero(bytes: Buffer, from: number): boolean {
  const step = 64 * 1024;
  for (let at = from; at < bytes.length; at += step) {
    const part = bytes.subarray(at, at + step);
    if (part.compare(zeros, 0, part.length) !== 0) return false;
  }
  return true;
}
const zeros = Buffer.alloc(64 * 1024);
