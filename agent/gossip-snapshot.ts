/**
 * The snapshot file of gossip: appended while members come and go, written anew when it has grown. It is a help for the
 * next start and nothing more, so a disk that fails costs a notice and no member.
 */
import { dirname } from 'node:path';
import { messageOf } from '../proto/errors.ts';
import type { Disk, DiskFile } from '../proto/ports.ts';
import type { MembershipChange } from './gossip/membership.ts';
import {
  aliveLine,
  type ClockTimes,
  clockLines,
  leaveLine,
  notAliveLine,
  readSnapshot,
  type SnapshotContent,
  writeSnapshot,
} from './gossip/serf/snapshot.ts';

/** Lines are collected for this long before they are written. */
const flushIntervalMs = 500;
/** Smaller files are never rewritten. */
const compactBytesMin = 128 * 1024;
/** What one member may take in the file before it is worth rewriting. */
const bytesPerMember = 2 * 128;

export interface SnapshotOptions {
  readonly disk: Disk;
  readonly path: string;
  readonly clocks: () => ClockTimes;
  readonly onError: (message: string) => void;
}

export class SnapshotFile {
  readonly #options: SnapshotOptions;
  readonly #alive: Map<string, { host: string; port: number }>;
  #file: DiskFile | null;
  #size: number;
  #pending = '';
  #clockText = '';
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();
  #left = false;

  private constructor(options: SnapshotOptions, file: DiskFile, size: number, content: SnapshotContent) {
    this.#options = options;
    this.#file = file;
    this.#size = size;
    this.#alive = new Map(content.alive);
  }

  /** What the last life left behind. Rejects when the file can be neither read nor made. */
  static async open(options: SnapshotOptions): Promise<{ file: SnapshotFile; content: SnapshotContent }> {
    const { disk, path } = options;
    await disk.makeFolder(dirname(path));
    const bytes = (await disk.readFile(path)) ?? new Uint8Array(0);
    const content = readSnapshot(Buffer.from(bytes).toString('utf8'));
    const file = await disk.open(path, { create: true, mode: 0o600 });
    return { file: new SnapshotFile(options, file, bytes.length, content), content };
  }

  note({ kind, member: { name, address } }: MembershipChange): void {
    if (kind === 'joined' || kind === 'recovered' || kind === 'updated') {
      const known = this.#alive.get(name);
      if (known?.host === address.host && known.port === address.port) return;
      this.#alive.set(name, address);
      this.#append(aliveLine(name, address));
    } else if (this.#alive.delete(name)) this.#append(notAliveLine(name));
  }

  /** Something was heard; the clocks may have moved on. */
  noteTime(): void {
    this.#append('');
  }

  /** We have left for good: the next start begins alone. */
  noteLeave(): void {
    this.#append(leaveLine);
    this.#left = true;
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#flush();
    await this.#writing;
    await this.#file?.close();
    this.#file = null;
  }

  #append(line: string): void {
    if (this.#left || this.#file === null) return;
    this.#pending += line;
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#flush();
    }, flushIntervalMs);
  }

  #flush(): void {
    let text = this.#pending;
    const clocks = clockLines(this.#options.clocks());
    if (!this.#left && clocks !== this.#clockText) text += clocks;
    this.#clockText = clocks;
    this.#pending = '';
    if (text === '') return;
    this.#writing = this.#writing.then(() => this.#write(text)).catch((error: unknown) => this.#fail(error));
  }

  async #write(text: string): Promise<void> {
    if (this.#file === null) return;
    const bytes = Buffer.from(text, 'utf8');
    await this.#file.write(this.#size, bytes);
    this.#size += bytes.length;
    if (this.#size > Math.max(compactBytesMin, bytesPerMember * this.#alive.size)) await this.#compact();
  }

  async #compact(): Promise<void> {
    const { clocks, disk, path } = this.#options;
    const bytes = Buffer.from(
      this.#left ? leaveLine : writeSnapshot({ alive: this.#alive, clocks: clocks() }),
      'utf8',
    );
    const next = `${path}.compact`;
    await disk.remove(next);
    const file = await disk.open(next, { create: true, mode: 0o600 });
    await file.write(0, bytes);
    await file.sync();
    await disk.rename(next, path);
    await this.#file?.close();
    this.#file = file;
    this.#size = bytes.length;
  }

  /** Without the file the agent runs as well as ever; only the next start will know nobody. */
  #fail(error: unknown): void {
    this.#options.onError(`the gossip snapshot ${this.#options.path} cannot be written: ${messageOf(error)}`);
    this.#file?.close().catch(() => {});
    this.#file = null;
  }
}
