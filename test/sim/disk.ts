/**
 * A disk that forgets. What was written is visible at once and durable only when it was synced; at a crash
 * everything else is lost, or a part of it sector by sector, or the last write is torn. Names are durable only
 * after `syncFolder`. Beside that it can fail: a full disk, errors on read, write and sync, flipped bits, and a
 * device that hangs. Every draw comes from `random`, so that a seed repeats it.
 */
import type { Clock, Disk, DiskFile, OpenOptions, Random } from '../../proto/ports.ts';
import { SimFile } from './disk-file.ts';

export interface SimDiskOptions {
  readonly random: Random;
  /** Without a clock operations end at once (after the pending promises). */
  readonly clock?: Clock;
  /** Milliseconds that an operation takes at least and at most. Default 0.02–0.1; a durable write 0.2–1. */
  readonly latencyMs?: {
    readonly plain: readonly [number, number];
    readonly durable: readonly [number, number];
  };
  /** Bytes that fit on it; default no bound. */
  readonly bytesMax?: number;
}

/**
 * What a crash leaves of what was not synced: nothing (`all` is lost); of every 512-byte sector and of the names some
 * of the changes, in any combination; or everything but the end of the last write, and the names up to some change.
 */
export type CrashKind = 'all' | 'some' | 'torn';

/** An operation as the hook sees it: `write`, `sync`, `rename` … on a path. */
export interface SimOperation {
  readonly number: number;
  readonly name: string;
  readonly path: string;
}

type NameChange = { readonly folder: string; apply(names: Map<string, SimFile>): void };

const defaultLatency = { plain: [0.02, 0.1], durable: [0.2, 1] } as const;
/** The promise of an operation whose process has died; a new one each time, so that nothing gathers behind it. */
const never = (): Promise<never> => new Promise<never>(() => {});

export class SimDisk implements Disk {
  /** Called before each operation; may crash the disk, and then the operation never happened. */
  onOperation: ((operation: SimOperation) => void) | null = null;
  /** Error codes for the next operations of a name (`write`, `sync`, `read` …), one each. */
  readonly failures: { readonly name: string; readonly code: string }[] = [];
  /** Added to each operation, in milliseconds: a slow device. */
  slowMs = 0;

  readonly #random: Random;
  readonly #clock: Clock | undefined;
  readonly #latency: NonNullable<SimDiskOptions['latencyMs']>;
  readonly #bytesMax: number;
  #names = new Map<string, SimFile>();
  #durableNames = new Map<string, SimFile>();
  #nameChanges: NameChange[] = [];
  #operations = 0;
  #openFiles = 0;
  #life = 0;
  #hanging: (() => void)[] | null = null;

  constructor(options: SimDiskOptions) {
    this.#random = options.random;
    this.#clock = options.clock;
    this.#latency = options.latencyMs ?? defaultLatency;
    this.#bytesMax = options.bytesMax ?? Number.POSITIVE_INFINITY;
  }

  /** How many operations there were, so that a test can crash at each of them in turn. */
  get operations(): number {
    return this.#operations;
  }

  /** Files that the process has open, as its descriptors. */
  get openFiles(): number {
    return this.#openFiles;
  }

  /** As the process that runs now has it: once that has ended, nothing that it asks for happens, whatever wakes it. */
  ofProcess(): Disk {
    const life = this.#life;
    const alive = <T>(operation: () => Promise<T>): Promise<T> =>
      life === this.#life ? operation() : never();
    return {
      open: (path, options) => alive(() => this.open(path, options)),
      list: (folder) => alive(() => this.list(folder)),
      readFile: (path) => alive(() => this.readFile(path)),
      makeFolder: () => alive(() => this.makeFolder()),
      rename: (from, to) => alive(() => this.rename(from, to)),
      remove: (path) => alive(() => this.remove(path)),
      syncFolder: (folder) => alive(() => this.syncFolder(folder)),
    };
  }

  /** The machine loses its power. Whoever still holds a file of this disk never hears from it again. */
  crash(kind: CrashKind): void {
    this.#life++;
    this.#openFiles = 0;
    this.#hanging = null;
    const files = new Set([...this.#durableNames.values(), ...this.#names.values()]);
    for (const change of this.#survivors(kind)) change.apply(this.#durableNames);
    this.#nameChanges = [];
    this.#names = new Map(this.#durableNames);
    for (const file of files) file.crash(kind, this.#random);
  }

  /** The process dies and the machine lives: what was written stays, synced or not. */
  killProcess(): void {
    this.#life++;
    this.#openFiles = 0;
    this.#hanging = null;
  }

  /** What a kernel does with old dirty pages by itself: content that was written becomes durable; names do not. */
  writeBack(): void {
    for (const file of this.#names.values()) file.keepAll(file.changes());
  }

  /** From now on no operation ends, until `release`. */
  hang(): void {
    this.#hanging ??= [];
  }

  release(): void {
    const waiting = this.#hanging ?? [];
    this.#hanging = null;
    for (const go of waiting) go();
  }

  /** Flips one bit of what is on the platter. */
  flipBit(path: string, position: number, bit = 0): void {
    this.#names.get(path)?.flipBit(position, bit);
  }

  /** Replaces bytes of what is on the platter, as a lost or misdirected sector would. */
  overwrite(path: string, position: number, bytes: Uint8Array): void {
    this.#names.get(path)?.overwrite(position, bytes);
  }

  /** Paths of all files, sorted. */
  paths(): string[] {
    return [...this.#names.keys()].sort();
  }

  /** Content as a process sees it now. */
  content(path: string): Uint8Array | undefined {
    const file = this.#names.get(path);
    return file?.read(0, file.length);
  }

  /** Bytes of all files together. */
  bytes(): number {
    let sum = 0;
    for (const file of this.#names.values()) sum += file.length;
    return sum;
  }

  async open(path: string, options: OpenOptions = {}): Promise<DiskFile> {
    await this.#operation('open', path);
    const file = this.#names.get(path);
    if (file && options.create && options.exclusive) throw failure('EEXIST', path);
    if (file) return this.#handle(file, path, options.durable ?? false);
    if (!options.create) throw failure('ENOENT', path);
    const made = new SimFile();
    this.#rename(path, (names) => names.set(path, made));
    return this.#handle(made, path, options.durable ?? false);
  }

  async list(folder: string): Promise<string[]> {
    await this.#operation('list', folder);
    const prefix = `${folder}/`;
    const names = new Set<string>();
    for (const path of this.#names.keys()) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/')[0]!);
    }
    return [...names].sort();
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    await this.#operation('readFile', path);
    return this.content(path);
  }

  async makeFolder(): Promise<void> {}

  async rename(from: string, to: string): Promise<void> {
    await this.#operation('rename', to);
    const file = this.#names.get(from);
    if (!file) throw failure('ENOENT', from);
    this.#rename(to, (names) => {
      // A crash may have kept the rename and lost the creation before it, which then happens here.
      names.delete(from);
      names.set(to, file);
    });
  }

  async remove(path: string): Promise<void> {
    await this.#operation('remove', path);
    this.#rename(path, (names) => names.delete(path));
  }

  async syncFolder(folder: string): Promise<void> {
    const due = this.#nameChanges.filter((change) => change.folder === folder);
    await this.#operation('syncFolder', folder, this.#latency.durable);
    for (const change of due) change.apply(this.#durableNames);
    this.#nameChanges = this.#nameChanges.filter((change) => !due.includes(change));
  }

  #roomBehind(file: SimFile, position: number): number {
    if (this.#bytesMax === Number.POSITIVE_INFINITY) return this.#bytesMax;
    return Math.max(0, this.#bytesMax - this.bytes() + file.length - position);
  }

  #survivors(kind: CrashKind): NameChange[] {
    if (kind === 'all') return [];
    if (kind === 'some') return this.#nameChanges.filter(() => this.#random.unit() < 0.5);
    return this.#nameChanges.slice(0, Math.floor(this.#random.unit() * (this.#nameChanges.length + 1)));
  }

  #rename(path: string, apply: NameChange['apply']): void {
    apply(this.#names);
    this.#nameChanges.push({ folder: path.slice(0, path.lastIndexOf('/')), apply });
  }

  #handle(file: SimFile, path: string, durable: boolean): DiskFile {
    const life = this.#life;
    this.#openFiles++;
    const operation = (name: string, latency = this.#latency.plain): Promise<void> =>
      life === this.#life ? this.#operation(name, path, latency) : never();
    return {
      size: async () => {
        await operation('size');
        return file.length;
      },
      read: async (position, length) => {
        await operation('read');
        return file.read(position, length);
      },
      write: async (position, bytes) => {
        if (life !== this.#life) return never();
        this.#announce('write', path);
        if (life !== this.#life) return never();
        const room = this.#roomBehind(file, position);
        const written = file.write(position, bytes.subarray(0, Math.min(bytes.length, room)));
        try {
          await this.#delay(durable ? this.#latency.durable : this.#latency.plain);
          this.#failIfTold('write', path);
          if (durable) this.#failIfTold('sync', path);
        } catch (error) {
          file.forget(written);
          throw error;
        }
        if (bytes.length > room) throw failure('ENOSPC', path);
        if (durable) file.keep(written);
      },
      truncate: async (length) => {
        await operation('truncate');
        file.truncate(length);
      },
      preallocate: async (length) => {
        await operation('preallocate');
        if (this.bytes() + Math.max(0, length - file.length) > this.#bytesMax) throw failure('ENOSPC', path);
        if (length > file.length) file.truncate(length);
        file.keepAll(file.changes());
      },
      sync: async () => {
        const due = file.changes();
        try {
          await operation('sync', this.#latency.durable);
        } catch (error) {
          // What fsync could not write is marked clean all the same: the next one would succeed and keep nothing.
          for (const change of due) file.forget(change);
          throw error;
        }
        file.keepAll(due);
      },
      close: async () => {
        await operation('close');
        this.#openFiles--;
      },
    };
  }

  async #operation(name: string, path: string, latency = this.#latency.plain): Promise<void> {
    const life = this.#life;
    this.#announce(name, path);
    if (life !== this.#life) return never();
    await this.#delay(latency);
    this.#failIfTold(name, path);
  }

  #announce(name: string, path: string): void {
    this.#operations++;
    this.onOperation?.({ number: this.#operations, name, path });
  }

  async #delay([least, most]: readonly [number, number]): Promise<void> {
    const life = this.#life;
    const clock = this.#clock;
    if (clock) {
      const delayMs = least + this.#random.unit() * (most - least) + this.slowMs;
      await new Promise<void>((resolve) => clock.after(delayMs, resolve));
    }
    if (life === this.#life && this.#hanging) await new Promise<void>((go) => this.#hanging?.push(go));
    if (life !== this.#life) await never();
  }

  #failIfTold(name: string, path: string): void {
    const at = this.failures.findIndex((told) => told.name === name);
    if (at < 0) return;
    const [told] = this.failures.splice(at, 1);
    throw failure(told!.code, path);
  }
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
