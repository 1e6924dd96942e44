/**
 * Snapshots of a server, one file each. One counts from the moment of its rename: before that it is a temporary file
 * that a start removes. The newest is the one with the highest index, then term, as numbers; two are kept.
 *
 * A follower gets the very bytes of the file, in pieces of its choice, and checks them as a whole before it believes them.
 */
import { assert } from '../proto/assert.ts';
import { ExpectedError, messageOf } from '../proto/errors.ts';
import type { Disk, DiskFile } from '../proto/ports.ts';
import type { SnapshotMeta } from '../proto/raft.ts';
import { cannotRead, cannotWrite } from '../proto/store/faults.ts';
import {
  SnapshotFault,
  type SnapshotHeader,
  SnapshotReader,
  writeSnapshot,
} from '../proto/store/snapshot-file.ts';

export interface StoredSnapshot {
  readonly path: string;
  readonly header: SnapshotHeader;
  /** Bytes of the file. */
  readonly size: number;
}

/** A snapshot file that was found damaged; it was renamed to `.damaged` and does not count. */
export interface SnapshotDamage {
  readonly file: string;
  readonly reason: string;
}

const kept = 2;

export class Snapshots {
  readonly #disk: Disk;
  readonly #folder: string;
  /** Newest first. */
  #stored: StoredSnapshot[] = [];
  readonly #damage: SnapshotDamage[] = [];
  /** Parts of the names of temporary files, so that two never meet. */
  #attempts = 0;

  private constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#folder = folder;
  }

  /**
   * Opens the folder or makes it. The newest snapshot is read and checked as a whole; a damaged one is set aside, and the
   * one before it counts. Rejects with CANNOT_WRITE, or with DISK_DAMAGED when the disk reports an error.
   */
  static async open(disk: Disk, folder: string): Promise<Snapshots> {
    const snapshots = new Snapshots(disk, folder);
    try {
      await disk.makeFolder(folder);
    } catch (error) {
      throw cannotWrite(folder, error);
    }
    try {
      await snapshots.#find();
    } catch (error) {
      throw cannotRead(folder, error);
    }
    return snapshots;
  }

  get newest(): StoredSnapshot | null {
    return this.#stored[0] ?? null;
  }

  get damage(): readonly SnapshotDamage[] {
    return this.#damage;
  }

  /** The snapshot that was offered with this position in the log, if it is still kept. */
  find({ index, term }: Pick<SnapshotMeta, 'index' | 'term'>): StoredSnapshot | null {
    return (
      this.#stored.find(({ header }) => header.meta.index === index && header.meta.term === term) ?? null
    );
  }

  /**
   * Stores a snapshot. The content is taken piece by piece, so that its maker can go on with other work in between; a
   * piece has 64 MiB at most. Durable, and the newest one, when it resolves. Rejects with CANNOT_WRITE.
   */
  async write(
    header: SnapshotHeader,
    content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): Promise<StoredSnapshot> {
    const temporary = this.#temporaryPath();
    try {
      const file = await this.#disk.open(temporary, { create: true });
      let size: number;
      try {
        size = await writeSnapshot(file, header, content);
      } finally {
        await file.close();
      }
      return await this.#adopt(temporary, header, size);
    } catch (error) {
      await this.#disk.remove(temporary).catch(() => {});
      throw cannotWrite(temporary, error);
    }
  }

  /** The content of a snapshot, piece by piece as it was written, each one checked. Throws DISK_DAMAGED. */
  async *content(snapshot: StoredSnapshot): AsyncGenerator<Uint8Array> {
    try {
      const { reader } = await SnapshotReader.open(this.#disk, snapshot.path);
      try {
        for (let piece = await reader.next(); piece; piece = await reader.next()) yield piece;
      } finally {
        await reader.close();
      }
    } catch (error) {
      throw damagedSnapshot(snapshot.path, error);
    }
  }

  /** Bytes of the file, for sending it; empty at the end. Rejects with NOT_FOUND when the snapshot is no longer kept. */
  async readBytes(snapshot: StoredSnapshot, position: number, length: number): Promise<Uint8Array> {
    let file: DiskFile;
    try {
      file = await this.#disk.open(snapshot.path);
    } catch {
      const { index, term } = snapshot.header.meta;
      throw new ExpectedError('NOT_FOUND', `the snapshot at index ${index}, term ${term} is no longer kept`);
    }
    try {
      return await file.read(position, length);
    } catch (error) {
      throw cannotRead(snapshot.path, error);
    } finally {
      await file.close();
    }
  }

  /** Begins to take a snapshot from another server. */
  async receive(meta: SnapshotMeta): Promise<SnapshotReceiver> {
    const temporary = this.#temporaryPath();
    try {
      const file = await this.#disk.open(temporary, { create: true });
      return new SnapshotReceiver(this.#disk, file, temporary, meta, (header, size) =>
        this.#adopt(temporary, header, size),
      );
    } catch (error) {
      throw cannotWrite(temporary, error);
    }
  }

  async #adopt(temporary: string, header: SnapshotHeader, size: number): Promise<StoredSnapshot> {
    const { index, term } = header.meta;
    const name = `${String(index).padStart(16, '0')}-${String(term).padStart(16, '0')}.snapshot`;
    const path = `${this.#folder}/${name}`;
    await this.#disk.rename(temporary, path);
    await this.#disk.syncFolder(this.#folder);
    const snapshot = { path, header, size };
    this.#stored = [snapshot, ...this.#stored.filter((other) => other.path !== path)].sort(newestFirst);
    await this.#reap();
    return snapshot;
  }

  async #reap(): Promise<void> {
    for (const { path } of this.#stored.splice(kept)) await this.#disk.remove(path);
    await this.#disk.syncFolder(this.#folder);
  }

  async #find(): Promise<void> {
    const found: { path: string; index: number; term: number }[] = [];
    for (const name of await this.#disk.list(this.#folder)) {
      const path = `${this.#folder}/${name}`;
      const match = /^(\d+)-(\d+)\.snapshot$/.exec(name);
      if (match) found.push({ path, index: Number(match[1]), term: Number(match[2]) });
      else if (name.endsWith('.tmp')) await this.#disk.remove(path);
    }
    found.sort((a, b) => b.index - a.index || b.term - a.term);
    for (const { path, index, term } of found) {
      try {
        const { header, size } = await checkSnapshot(this.#disk, path, this.#stored.length === 0);
        if (header.meta.index !== index || header.meta.term !== term)
          throw new SnapshotFault('its name is not its own');
        this.#stored.push({ path, header, size });
      } catch (error) {
        if (!(error instanceof SnapshotFault)) throw error;
        this.#damage.push({ file: path, reason: error.message });
        await this.#disk.rename(path, `${path}.damaged`);
      }
    }
    await this.#disk.syncFolder(this.#folder);
  }

  #temporaryPath(): string {
    this.#attempts++;
    return `${this.#folder}/${this.#attempts}.tmp`;
  }
}

/** Takes the bytes of a snapshot in order and checks them at the end. Not usable after `finish` or `abandon`. */
export class SnapshotReceiver {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #meta: SnapshotMeta;
  readonly #adopt: (header: SnapshotHeader, size: number) => Promise<StoredSnapshot>;
  #file: DiskFile | null;
  #position = 0;

  constructor(
    disk: Disk,
    file: DiskFile,
    path: string,
    meta: SnapshotMeta,
    adopt: (header: SnapshotHeader, size: number) => Promise<StoredSnapshot>,
  ) {
    this.#disk = disk;
    this.#file = file;
    this.#path = path;
    this.#meta = meta;
    this.#adopt = adopt;
  }

  /** Where the next bytes belong: after a lost connection, ask from here on. */
  get position(): number {
    return this.#position;
  }

  /** The bytes that follow. Rejects with CANNOT_WRITE. */
  async write(bytes: Uint8Array): Promise<void> {
    assert(this.#file, 'the receiver is open');
    const position = this.#position;
    this.#position += bytes.length;
    try {
      await this.#file.write(position, bytes);
    } catch (error) {
      throw cannotWrite(this.#path, error);
    }
  }

  /**
   * All bytes are there. Durable, and the newest one, when it resolves. Rejects with PROTOCOL, naming what is wrong,
   * when it is not the snapshot that was offered or not intact; then nothing of it is left.
   */
  async finish(): Promise<void> {
    const { index, term } = this.#meta;
    try {
      await this.#file?.sync();
      await this.#close();
      const { header, size } = await checkSnapshot(this.#disk, this.#path, true);
      if (header.meta.index !== index || header.meta.term !== term) {
        throw new SnapshotFault(`it is the one at index ${header.meta.index}, term ${header.meta.term}`);
      }
      await this.#adopt(header, size);
    } catch (error) {
      await this.abandon();
      if (!(error instanceof SnapshotFault)) throw cannotWrite(this.#path, error);
      const text = `the snapshot at index ${index}, term ${term} arrived damaged: ${error.message}`;
      throw new ExpectedError('PROTOCOL', text, { cause: error });
    }
  }

  /** Removes what has arrived. Does nothing after `finish`. */
  async abandon(): Promise<void> {
    await this.#close();
    await this.#disk.remove(this.#path).catch(() => {});
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }
}

/** Header and size of a snapshot file, with `whole` every byte of it checked. Throws `SnapshotFault`. */
export async function checkSnapshot(
  disk: Disk,
  path: string,
  whole: boolean,
): Promise<{ header: SnapshotHeader; size: number }> {
  const { reader, header } = await SnapshotReader.open(disk, path);
  try {
    while (whole && (await reader.next())) {
      // Every piece is checked as it is read; its content does not matter here.
    }
    return { header, size: await reader.size() };
  } finally {
    await reader.close();
  }
}

function newestFirst(a: StoredSnapshot, b: StoredSnapshot): number {
  return b.header.meta.index - a.header.meta.index || b.header.meta.term - a.header.meta.term;
}

function damagedSnapshot(path: string, error: unknown): unknown {
  if (!(error instanceof SnapshotFault)) return error;
  return new ExpectedError('DISK_DAMAGED', `${path} is damaged: ${messageOf(error)}`, { cause: error });
}
