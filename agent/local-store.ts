/**
 * Small values that survive a restart: what clients registered, how checks stood, who the other members were. One JSON
 * file a value, written as a whole or not at all.
 *
 * A value may change often and is written at most once per interval, unless somebody waits for it; only the newest counts.
 * A disk that fails costs a
 * report and the values of the next start: the agent goes on, and tries again with the interval.
 */
import { assert } from '../proto/assert.ts';
import type { ExpectedError } from '../proto/errors.ts';
import type { Clock, Disk, Timer } from '../proto/ports.ts';
import { cannotRead, cannotWrite } from '../proto/store/faults.ts';
import { readJson, writeJsonAtomically } from '../proto/store/files.ts';
import type { StoredValue } from './registrations.ts';

export interface LocalStoreOptions {
  /** Milliseconds between two writes of one value at least. Default 1,000. */
  readonly intervalMs?: number;
  /** Told when values can no longer be written; once, until it has worked again. */
  readonly onError?: (error: ExpectedError) => void;
}

/** Other files of the agent may lie in the same folder; those are none of our business. */
const suffix = '.state.json';

interface Kept {
  value: unknown;
  readonly mode: number;
  /** Newer in memory than on disk. */
  isDue: boolean;
  timer: Timer | null;
  writing: Promise<void> | null;
}

/** A value that could not be read; its file was set aside as `.damaged`. */
export interface LocalDamage {
  readonly file: string;
  readonly reason: string;
}

export class LocalStore {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #clock: Clock;
  readonly #intervalMs: number;
  readonly #onError: (error: ExpectedError) => void;
  /** As found on disk. */
  readonly #found = new Map<string, unknown>();
  readonly #kept = new Map<string, Kept>();
  readonly #damage: LocalDamage[] = [];
  #failing = false;
  #closed = false;

  private constructor(disk: Disk, folder: string, clock: Clock, options: LocalStoreOptions) {
    this.#disk = disk;
    this.#folder = folder;
    this.#clock = clock;
    this.#intervalMs = options.intervalMs ?? 1_000;
    this.#onError = options.onError ?? (() => {});
  }

  /** Reads all values. Rejects with CANNOT_WRITE or DISK_DAMAGED when the disk reports an error. */
  static async open(
    { disk, clock }: { readonly disk: Disk; readonly clock: Clock },
    folder: string,
    options: LocalStoreOptions = {},
  ): Promise<LocalStore> {
    const store = new LocalStore(disk, folder, clock, options);
    try {
      await disk.makeFolder(folder);
    } catch (error) {
      throw cannotWrite(folder, error);
    }
    try {
      await store.#readAll();
    } catch (error) {
      throw cannotRead(folder, error);
    }
    return store;
  }

  get damage(): readonly LocalDamage[] {
    return this.#damage;
  }

  /** One value, by its key (letters, digits and dashes). A secret one gets mode 0o600; default 0o644. */
  value<T>(key: string, { mode = 0o644 }: { readonly mode?: number } = {}): StoredValue<T> {
    assert(/^[a-z0-9-]+$/.test(key), `"${key}" names a file`);
    assert(!this.#kept.has(key), `"${key}" has one owner`);
    const kept: Kept = { value: this.#found.get(key), mode, isDue: false, timer: null, writing: null };
    this.#kept.set(key, kept);
    return {
      read: () => kept.value as T | undefined,
      write: (value: T) => {
        kept.value = value;
        kept.isDue = true;
        this.#writeSoon(key, kept);
      },
      saved: () => this.#save(key, kept),
    };
  }

  /** Resolves when everything that was written so far is on disk, or could not be written. */
  async flush(): Promise<void> {
    for (const [key, kept] of this.#kept) {
      await kept.writing;
      if (kept.isDue) await this.#write(key, kept);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const kept of this.#kept.values()) kept.timer?.cancel();
    await this.flush();
  }

  async #save(key: string, kept: Kept): Promise<void> {
    // The write under way may have begun before the newest value was there; all who wait for that share the next one.
    if (kept.isDue) await kept.writing;
    if (kept.isDue && kept.writing === null) void this.#write(key, kept);
    await kept.writing;
  }

  #writeSoon(key: string, kept: Kept): void {
    if (this.#closed || kept.timer || kept.writing) return;
    void this.#write(key, kept);
  }

  #write(key: string, kept: Kept): Promise<void> {
    kept.isDue = false;
    const path = `${this.#folder}/${key}${suffix}`;
    kept.writing = writeJsonAtomically(this.#disk, path, kept.value, { mode: kept.mode })
      .then(
        () => {
          this.#failing = false;
        },
        (error: unknown) => {
          kept.isDue = !this.#closed;
          this.#report(cannotWrite(path, error));
        },
      )
      .then(() => {
        kept.writing = null;
        this.#restUntilNext(key, kept);
      });
    return kept.writing;
  }

  #restUntilNext(key: string, kept: Kept): void {
    if (this.#closed) return;
    kept.timer?.cancel();
    kept.timer = this.#clock.after(this.#intervalMs, () => {
      kept.timer = null;
      if (kept.isDue) this.#writeSoon(key, kept);
    });
  }

  #report(error: ExpectedError): void {
    if (this.#failing) return;
    this.#failing = true;
    this.#onError(error);
  }

  async #readAll(): Promise<void> {
    for (const name of await this.#disk.list(this.#folder)) {
      const path = `${this.#folder}/${name}`;
      if (!name.endsWith(suffix)) continue;
      const key = name.slice(0, -suffix.length);
      try {
        this.#found.set(key, await readJson(this.#disk, path));
      } catch (error) {
        if (!(error instanceof SyntaxError)) throw error;
        this.#damage.push({ file: path, reason: error.message });
        await this.#disk.rename(path, `${path}.damaged`);
      }
    }
  }
}
