/** The files of a log: their names, how one is made so that a crash leaves a whole file or none, and how it is read. */
import type { Disk, DiskFile } from '../ports.ts';
import { markerType, recordHeaderBytes, writeRecord } from './record.ts';
import { encodeMarker, type Marker } from './scan.ts';

/** A segment as the log knows it. Only the last one is open for writing. */
export interface Segment {
  readonly first: number;
  readonly path: string;
  readonly previousFirst: number;
  readonly previousChecksum: number;
  /** Bytes of the file. */
  capacity: number;
  /** Where the last good record ends. */
  end: number;
  /** Offsets of each 64th record; null for a sealed segment that nobody has read yet. */
  index: number[] | null;
}

export interface Place {
  readonly disk: Disk;
  readonly folder: string;
  /** Begins the name of each file, so that several logs can share a folder. */
  readonly prefix: string;
}

const suffix = '.log';

export function segmentPath({ folder, prefix }: Place, first: number): string {
  return `${folder}/${prefix}${String(first).padStart(16, '0')}${suffix}`;
}

/** Zeros that wait to become the next segment, and a segment that gets its marker. */
function temporaryPath({ folder, prefix }: Place, name: 'zeros' | 'next'): string {
  return `${folder}/${prefix}${name}.tmp`;
}

/** First positions of the segments that are there, ascending. What was left half made by a crash is removed. */
export async function listSegments(place: Place): Promise<number[]> {
  const firsts: number[] = [];
  for (const name of await place.disk.list(place.folder)) {
    if (!name.startsWith(place.prefix)) continue;
    const rest = name.slice(place.prefix.length);
    if (rest === 'next.tmp' || rest === 'zeros.tmp') await place.disk.remove(`${place.folder}/${name}`);
    const match = /^(\d{16})\.log$/.exec(rest);
    if (match) firsts.push(Number(match[1]));
  }
  return firsts.sort((a, b) => a - b);
}

export async function readWhole(disk: Disk, path: string): Promise<Buffer> {
  const file = await disk.open(path);
  try {
    return asBuffer(await file.read(0, await file.size()));
  } finally {
    await file.close();
  }
}

/** Enough for a marker; one that does not fit is read with the whole file. */
const markerReadBytes = 4096;

export async function readHead(disk: Disk, path: string): Promise<{ bytes: Buffer; size: number }> {
  const file = await disk.open(path);
  try {
    const size = await file.size();
    const bytes = asBuffer(await file.read(0, markerReadBytes));
    const wanted = bytes.length < recordHeaderBytes ? 0 : recordHeaderBytes + bytes.readUInt32LE(8);
    const fits = wanted <= bytes.length || wanted > size;
    return { bytes: fits ? bytes : asBuffer(await file.read(0, wanted)), size };
  } finally {
    await file.close();
  }
}

/** Fills the next segment with zeros ahead of time, so that appending to it changes no metadata of the file system. */
export async function prepareSegment(place: Place, capacity: number): Promise<void> {
  const file = await place.disk.open(temporaryPath(place, 'zeros'), { create: true });
  try {
    await file.preallocate(capacity);
  } finally {
    await file.close();
  }
}

export function removePrepared(place: Place): Promise<void> {
  return place.disk.remove(temporaryPath(place, 'zeros'));
}

/**
 * Makes a segment: temporary name, marker, flush, rename, flush of the folder. Returns it open for durable writes,
 * with the checksum of its marker. `prepared` says that `prepareSegment` has ended well before.
 */
export async function makeSegment(
  place: Place,
  marker: Marker,
  capacity: number,
  prepared: boolean,
): Promise<{ segment: Segment; file: DiskFile; checksum: number }> {
  const { first, previousFirst, previousChecksum } = marker;
  const body = encodeMarker(marker);
  const end = recordHeaderBytes + body.length;
  const bytes = Buffer.alloc(end);
  const at = { position: first, previous: previousChecksum, durable: first - 1, endsGroup: true };
  const checksum = writeRecord(bytes, 0, { type: markerType, body }, at);

  const temporary = temporaryPath(place, prepared ? 'zeros' : 'next');
  const path = segmentPath(place, first);
  const file = await place.disk.open(temporary, { create: true, durable: true });
  try {
    const size = Math.max(capacity, end);
    await file.truncate(size);
    await file.write(0, bytes);
    await file.sync();
    await place.disk.rename(temporary, path);
    await place.disk.syncFolder(place.folder);
    const segment = { first, path, previousFirst, previousChecksum, capacity: size, end, index: [] };
    return { segment, file, checksum };
  } catch (error) {
    await file.close();
    throw error;
  }
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
