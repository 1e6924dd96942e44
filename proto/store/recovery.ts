/**
 * What is on the disk when a log is opened. A torn tail is cut here, because nobody was ever told of it; damage is
 * described and left as it is, until the owner of the log has decided (`SegmentLog.setAside`).
 */
import { ExpectedError } from '../errors.ts';
import type { DiskFile } from '../ports.ts';
import { cannotWrite, type Damage } from './faults.ts';
import { markerType, provenBehind } from './record.ts';
import { readMarker, type ScannedMarker, type ScanVisitor, scanSegment } from './scan.ts';
import { listSegments, type Place, readHead, readWhole, type Segment, segmentPath } from './segment-files.ts';

export interface RecoveryVisitor extends ScanVisitor {
  /** Head of a segment, before its records: what its owner wrote into the marker. */
  head?(head: Uint8Array): void;
}

export interface RecoveryOptions {
  readonly owner: Readonly<Record<string, string>>;
  /** `all` reads every segment, `last` only the last one; the others are then verified when they are read. */
  readonly scan: 'all' | 'last';
  /** Highest acknowledged position that the hint knows of. */
  readonly acknowledged: number;
}

export interface Recovered {
  readonly segments: Segment[];
  /** Position of the next record; 0 when there is no log yet. */
  next: number;
  /** Checksum of the last good record. */
  checksum: number;
  readonly damage: Damage | null;
  /** What was cut off the end, for people. */
  torn: string | null;
}

export async function recover(
  place: Place,
  options: RecoveryOptions,
  visit: RecoveryVisitor,
): Promise<Recovered> {
  const { segments, markers, broken } = await readHeads(place, options.owner);
  const result: Recovered = {
    segments,
    next: segments[0]?.first ?? 0,
    checksum: 0,
    damage: null,
    torn: null,
  };
  if (segments.length === 0 && !broken) {
    if (options.acknowledged === 0) return result;
    const [file, to] = [segmentPath(place, 1), options.acknowledged];
    return { ...result, next: 1, damage: { file, byte: 0, reason: 'the files are missing', from: 1, to } };
  }

  // A file behind proves that everything before it had been durable, also when it is of no other use.
  const acknowledged = Math.max(options.acknowledged, broken ? broken.first - 1 : 0);
  for (const [at, segment] of segments.entries()) {
    const following = segments[at + 1] ?? null;
    visit.head?.(markers[at]!.head);
    if (options.scan === 'last' && following) {
      segment.end = segment.capacity;
      continue;
    }
    const bytes = await readWhole(place.disk, segment.path);
    const scan = scanSegment(bytes, markers[at]!, { first: segment.first, following, acknowledged }, visit);
    segment.end = scan.end;
    segment.index = scan.index;
    result.next = scan.next;
    result.checksum = scan.checksum;
    if (scan.verdict === 'damaged') {
      segments.length = at + 1;
      const { next: from, lostTo: to, end: byte, reason } = scan;
      return { ...result, damage: { file: segment.path, byte, reason, from, to } };
    }
    if (scan.verdict === 'torn') {
      result.torn = `${segment.path}: ${scan.reason}`;
      await cutTail(place, segment);
    }
    if (!following && !broken) await makeDurable(place, segment, bytes, scan.unproven);
  }
  if (broken) return { ...result, ...(await describeBroken(place, broken, acknowledged, visit)) };
  return result;
}

/** The first segment that cannot follow the ones before it. */
interface Broken {
  readonly first: number;
  readonly reason: string;
}

interface Heads {
  /** Segments that belong together, from the first on. */
  readonly segments: Segment[];
  readonly markers: ScannedMarker[];
  readonly broken: Broken | null;
}

/** Markers first: they say whether a segment is missing in between, and where each one has to end. */
async function readHeads(place: Place, owner: Readonly<Record<string, string>>): Promise<Heads> {
  const segments: Segment[] = [];
  const markers: ScannedMarker[] = [];
  for (const first of await listSegments(place)) {
    const path = segmentPath(place, first);
    const { bytes, size } = await readHead(place.disk, path);
    const marker = readMarker(bytes);
    if (marker?.first !== first) {
      return { segments, markers, broken: { first, reason: 'the head of the file is unreadable' } };
    }
    refuseForeign(path, marker, owner);
    const before = segments.at(-1);
    if (before && marker.previousFirst !== before.first) {
      return { segments, markers, broken: { first, reason: 'the file before it is missing' } };
    }
    const { previousFirst, previousChecksum, end } = marker;
    segments.push({ first, path, previousFirst, previousChecksum, capacity: size, end, index: null });
    markers.push(marker);
  }
  return { segments, markers, broken: null };
}

async function describeBroken(
  place: Place,
  { first, reason }: Broken,
  acknowledged: number,
  visit: RecoveryVisitor,
): Promise<Pick<Recovered, 'next' | 'damage'>> {
  const file = segmentPath(place, first);
  let to = Math.max(acknowledged, first);
  const bytes = await readWhole(place.disk, file);
  provenBehind(bytes, 0, first, (record) => {
    if (record.type === markerType) return;
    to = Math.max(to, record.durable);
    visit.salvaged?.(record);
  });
  return { next: first, damage: { file, byte: 0, reason, from: first, to } };
}

/** Ids that both sides know have to agree. */
function refuseForeign(path: string, marker: ScannedMarker, owner: Readonly<Record<string, string>>): void {
  for (const [name, id] of Object.entries(owner)) {
    const found = marker.owner[name] ?? '';
    if (id !== '' && found !== '' && id !== found) {
      const text = `${path} belongs to ${name} ${found}, and this is ${name} ${id}: point data_dir to the right folder, or move that file away`;
      throw new ExpectedError('DISK_FOREIGN', text);
    }
  }
}

/** Zeros behind the last good record: what stays there of a torn write could pass for a record later. */
async function cutTail(place: Place, segment: Segment): Promise<void> {
  await changeFile(segment, place, async (file) => {
    await file.truncate(segment.end);
    await file.truncate(segment.capacity);
  });
}

/**
 * After a kill of the process alone, what we have just read may be in memory only, the name of a new segment too. We vouch
 * for it from now on. After an error of the device the kernel may hold it for clean: it is written once more, or no flush
 * would bring it to the device (raft.md 3.3).
 */
async function makeDurable(place: Place, segment: Segment, bytes: Buffer, unproven: number): Promise<void> {
  await changeFile(segment, place, async (file) => {
    if (unproven < segment.end) await file.write(unproven, bytes.subarray(unproven, segment.end));
  });
  await place.disk.syncFolder(place.folder);
}

/**
 * Gives the damaged files the ending `.damaged`, newest first, and leaves the good records before the damage. Cut off
 * anywhere, it leaves damage that is found again.
 */
export async function setAsideFiles(place: Place, kept: readonly Segment[], damage: Damage): Promise<void> {
  const { disk, folder } = place;
  try {
    for (const first of (await listSegments(place)).reverse()) {
      const path = segmentPath(place, first);
      if (kept.some((segment) => segment.path === path)) continue;
      await disk.rename(path, `${path}.damaged`);
      await disk.syncFolder(folder);
    }
    const last = kept.at(-1);
    if (damage.file !== last?.path) return;
    const copy = await disk.open(`${last.path}.damaged`, { create: true });
    await copy.write(0, await readWhole(disk, last.path));
    await copy.sync();
    await copy.close();
    await disk.syncFolder(folder);
    await cutTail(place, last);
  } catch (error) {
    throw cannotWrite(damage.file, error);
  }
}

async function changeFile(
  segment: Segment,
  { disk }: Place,
  change: (file: DiskFile) => Promise<void>,
): Promise<void> {
  try {
    const file = await disk.open(segment.path);
    try {
      await change(file);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw cannotWrite(segment.path, error);
  }
}
