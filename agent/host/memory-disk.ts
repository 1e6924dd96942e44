/**
 * A disk that is gone when the process ends, for `--dev`: the same store code runs, nothing is kept. Everything
 * is durable at once, as far as that word goes here. Folders exist by being named.
 */
import type { Disk, DiskFile, OpenOptions } from '../../proto/ports.ts';

export class MemoryDisk implements Disk {
  readonly #files = new Map<string, MemoryFile>();

  async open(path: string, options: OpenOptions = {}): Promise<DiskFile> {
    const file = this.#files.get(path);
    if (file && options.create && options.exclusive) throw failure('EEXIST', `${path}: file exists`);
    if (file) return file;
    if (!options.create) throw failure('ENOENT', `${path}: no such file`);
    const made = new MemoryFile();
    this.#files.set(path, made);
    return made;
  }

  async list(folder: string): Promise<string[]> {
    const prefix = `${folder}/`;
    const names = new Set<string>();
    for (const path of this.#files.keys()) {
      if (path.startsWith(prefix)) names.add(path.slice(prefix.length).split('/')[0]!);
    }
    return [...names].sort();
  }

  async readFile(path: string): Promise<Uint8Array | undefined> {
    const file = this.#files.get(path);
    return file?.read(0, await file.size());
  }

  async makeFolder(): Promise<void> {}

  async rename(from: string, to: string): Promise<void> {
    const file = this.#files.get(from);
    if (!file) throw failure('ENOENT', `${from}: no such file`);
    this.#files.delete(from);
    this.#files.set(to, file);
  }

  async remove(path: string): Promise<void> {
    this.#files.delete(path);
  }

  async syncFolder(): Promise<void> {}
}

/** The bytes up to the last one ever written are held; zeros behind them, as preallocation makes them, cost nothing. */
class MemoryFile implements DiskFile {
  #bytes = new Uint8Array(0);
  #length = 0;

  async size(): Promise<number> {
    return this.#length;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    const result = new Uint8Array(Math.max(0, Math.min(length, this.#length - position)));
    result.set(this.#bytes.subarray(position, position + result.length));
    return result;
  }

  async write(position: number, bytes: Uint8Array): Promise<void> {
    const end = position + bytes.length;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, Math.ceil(this.#bytes.length * 1.5), 1024));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(bytes, position);
    this.#length = Math.max(this.#length, end);
  }

  async truncate(length: number): Promise<void> {
    this.#bytes.fill(0, Math.min(length, this.#bytes.length));
    this.#length = length;
  }

  async preallocate(length: number): Promise<void> {
    this.#length = Math.max(this.#length, length);
  }

  async sync(): Promise<void> {}

  async close(): Promise<void> {}
}

function failure(code: string, text: string): Error {
  return Object.assign(new Error(text), { code });
}
