/**
 * The end of a log: the segment that is being written. Puts groups of records into one buffer and one durable
 * write, begins the next segment when one is full, and fills that with zeros ahead of time.
 */
import { assert } from '../assert.ts';
import type { DiskFile } from '../ports.ts';
import { type LogRecord, recordHeaderBytes, writeRecord } from './record.ts';
import { indexStride } from './scan.ts';
import { makeSegment, type Place, prepareSegment, removePrepared, type Segment } from './segment-files.ts';

/** Written into the marker of a new segment: the state before the records that it was made for. Called only then. */
export type HeadMaker = () => Uint8Array;

/** Records that one caller appended: after a crash all of them are there or none. */
export interface Group {
  readonly records: readonly LogRecord[];
  /** Bytes in the file. */
  readonly bytes: number;
  readonly head: HeadMaker | undefined;
}

const nothing = new Uint8Array(0);
/** The buffer that is kept between writes; a larger one is made for the occasion. */
const keptBufferBytes = 1024 * 1024;
/** A marker with its ids and its head takes less. */
const markerBytesMax = 4096;

export class Tail {
  readonly #place: Place;
  readonly #segmentBytes: number;
  /** All segments of the log, shared with it; this one appends. */
  readonly #segments: Segment[];
  #owner: Readonly<Record<string, string>>;
  #file: DiskFile | null = null;
  #next: number;
  #checksum: number;
  #buffer = Buffer.allocUnsafeSlow(64 * 1024);
  #prepared: 'no' | 'yes' | Promise<void> = 'no';

  /** `next` and `checksum` are those behind the last record of the last segment. */
  constructor(
    place: Place,
    segments: Segment[],
    options: {
      segmentBytes: number;
      owner: Readonly<Record<string, string>>;
      next: number;
      checksum: number;
    },
  ) {
    this.#place = place;
    this.#segments = segments;
    this.#segmentBytes = options.segmentBytes;
    this.#owner = options.owner;
    this.#next = options.next;
    this.#checksum = options.checksum;
  }

  /** Position behind the last durable record. */
  get next(): number {
    return this.#next;
  }

  set owner(owner: Readonly<Record<string, string>>) {
    this.#owner = owner;
  }

  async open(): Promise<void> {
    const last = this.#segments.at(-1);
    if (last) this.#file = await this.#place.disk.open(last.path, { durable: true });
    else await this.#beginSegment(nothing, 0);
  }

  /** Resolves when all groups are durable. One call at a time; after a rejection there is no other. */
  async write(groups: readonly Group[]): Promise<void> {
    let bytes = 0;
    for (const group of groups) bytes += group.bytes;
    let segment = this.#segments.at(-1)!;
    if (segment.end + bytes > segment.capacity && this.#next > segment.first) {
      segment = await this.#beginSegment(groups[0]!.head?.() ?? nothing, bytes);
    }
    const buffer = this.#bufferOf(bytes);
    const { position, checksum } = this.#fill(buffer, groups, segment);
    assert(this.#file, 'the log is open');
    await this.#file.write(segment.end, buffer.subarray(0, bytes));
    segment.end += bytes;
    segment.capacity = Math.max(segment.capacity, segment.end);
    this.#next = position;
    this.#checksum = checksum;
    if (segment.end > segment.capacity / 2 && this.#prepared === 'no') this.#prepareNext();
  }

  async close(): Promise<void> {
    if (typeof this.#prepared !== 'string') await this.#prepared;
    if (this.#prepared === 'yes') await removePrepared(this.#place);
    await this.#file?.close();
    this.#file = null;
  }

  #fill(buffer: Buffer, groups: readonly Group[], segment: Segment): { position: number; checksum: number } {
    const durable = this.#next - 1;
    let position = this.#next;
    let checksum = this.#checksum;
    let at = 0;
    for (const { records } of groups) {
      for (const [index, record] of records.entries()) {
        if ((position - segment.first) % indexStride === 0) segment.index!.push(segment.end + at);
        const endsGroup = index === records.length - 1;
        checksum = writeRecord(buffer, at, record, { position, previous: checksum, durable, endsGroup });
        at += recordHeaderBytes + record.body.length;
        position++;
      }
    }
    return { position, checksum };
  }

  #bufferOf(bytes: number): Buffer {
    if (bytes <= this.#buffer.length) return this.#buffer;
    const size = Math.max(bytes, this.#buffer.length * 2);
    if (size > keptBufferBytes) return Buffer.allocUnsafeSlow(bytes);
    this.#buffer = Buffer.allocUnsafeSlow(size);
    return this.#buffer;
  }

  async #beginSegment(head: Uint8Array, bytes: number): Promise<Segment> {
    // One that is still being filled is left for the next time: nobody waits for zeros.
    const prepared = this.#prepared === 'yes';
    if (prepared) this.#prepared = 'no';
    const marker = {
      owner: this.#owner,
      first: this.#next,
      previousFirst: this.#segments.at(-1)?.first ?? 0,
      previousChecksum: this.#checksum,
      head,
    };
    const old = this.#file;
    const room = markerBytesMax + head.length + bytes;
    const made = await makeSegment(this.#place, marker, Math.max(this.#segmentBytes, room), prepared);
    this.#segments.push(made.segment);
    this.#file = made.file;
    this.#checksum = made.checksum;
    await old?.close();
    return made.segment;
  }

  #prepareNext(): void {
    const become = (state: 'yes' | 'no') => () => {
      this.#prepared = state;
    };
    // When it fails, the next segment is made on the spot, and that will tell the reason.
    this.#prepared = prepareSegment(this.#place, this.#segmentBytes).then(become('yes'), become('no'));
  }
}
