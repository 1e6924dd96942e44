/** Reads records back from segment files. Every record is checked again on its way in; what does not read well is named. */
import { assert } from '../assert.ts';
import { ExpectedError } from '../errors.ts';
import type { Disk, DiskFile } from '../ports.ts';
import { cannotRead, damaged } from './faults.ts';
import { parseRecord, recordEnd, recordHeaderBytes, type StoredRecord } from './record.ts';
import { indexStride, readMarker, scanSegment } from './scan.ts';
import { asBuffer, readWhole, type Segment } from './segment-files.ts';

export interface ReadRange {
  /** First position that is wanted, and the one behind the last. All of it lies in the segment. */
  readonly from: number;
  readonly until: number;
  /** Bytes of bodies after which reading ends; at least one record is read. */
  readonly bytesMax: number;
}

const chunkBytes = 256 * 1024;

export class SegmentReader {
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** `following` is the next segment, or null when `segment` is the one that is being written. */
  async read(segment: Segment, following: Segment | null, range: ReadRange): Promise<StoredRecord[]> {
    const index = segment.index ?? (await this.#indexOf(segment, following));
    const file = await this.#open(segment);
    try {
      return await readRecords(file, segment, index, range);
    } catch (error) {
      throw cannotRead(segment.path, error);
    } finally {
      await file.close();
    }
  }

  async #open(segment: Segment): Promise<DiskFile> {
    try {
      return await this.#disk.open(segment.path);
    } catch (error) {
      throw unopened(segment, error);
    }
  }

  /** Reads a sealed segment as a whole. Rejects with DISK_DAMAGED, `data` says what is lost, or with OFFSET_TRIMMED. */
  async verify(segment: Segment, following: Segment): Promise<number[]> {
    const bytes = await readWhole(this.#disk, segment.path).catch((error: unknown) =>
      Promise.reject(unopened(segment, error)),
    );
    const marker = readMarker(bytes);
    if (!marker) throw unreadable(segment, 0, segment.first, following.first - 1);
    const scan = scanSegment(bytes, marker, { first: segment.first, following, acknowledged: 0 });
    if (scan.verdict !== 'clean') throw unreadable(segment, scan.end, scan.next, following.first - 1);
    segment.index = scan.index;
    segment.end = scan.end;
    return scan.index;
  }

  /** A sealed segment that was not scanned when the log was opened is scanned when it is read first. */
  #indexOf(segment: Segment, following: Segment | null): Promise<number[]> {
    assert(following, 'the last segment has been scanned');
    return this.verify(segment, following);
  }
}

async function readRecords(
  file: DiskFile,
  segment: Segment,
  index: readonly number[],
  { from, until, bytesMax }: ReadRange,
): Promise<StoredRecord[]> {
  const stride = Math.floor((from - segment.first) / indexStride);
  const { end } = segment;
  const found: StoredRecord[] = [];
  let position = segment.first + stride * indexStride;
  let offset = index[stride]!;
  let bytes = 0;
  let wanted = chunkBytes;
  while (position < until) {
    const chunk = asBuffer(await file.read(offset, Math.min(wanted, end - offset)));
    let at = 0;
    while (position < until && !(offset + chunk.length < end && isCutOff(chunk, at))) {
      const record = parseRecord(chunk, at, chunk.length);
      if (record?.position !== position) throw unreadable(segment, offset + at, position, until - 1);
      at = record.next;
      position++;
      if (record.position < from) continue;
      found.push({ position: record.position, type: record.type, body: record.body });
      bytes += record.body.length;
      if (bytes >= bytesMax) return found;
    }
    // When not even one record fitted, it is longer than the chunk.
    wanted = at === 0 ? wanted * 4 : chunkBytes;
    offset += at;
  }
  return found;
}

function isCutOff(chunk: Buffer, at: number): boolean {
  const end = recordEnd(chunk, at, chunk.length);
  return end === undefined ? chunk.length - at < recordHeaderBytes : end > chunk.length;
}

/** A segment goes when it is trimmed, also between the look at the list and the look at the file. */
function unopened({ path }: Segment, error: unknown): ExpectedError {
  if ((error as { code?: unknown }).code !== 'ENOENT') return cannotRead(path, error);
  return new ExpectedError('OFFSET_TRIMMED', `${path} has been trimmed meanwhile`);
}

function unreadable(segment: Segment, byte: number, from: number, to: number): ExpectedError {
  const reason = `record at byte ${byte} is unreadable`;
  return damaged({ file: segment.path, byte, reason, from, to: Math.max(from, to) });
}
