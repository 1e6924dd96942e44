/**
 * A lazily written note of the last acknowledged position of a log. It lags, and it is never ahead: it is written
 * after the flush and is itself not flushed. When the last record of a log cannot be read, it tells damage from a
 * write that was torn before anybody heard of it. Layout: u32 "HINT", u48 position, u32 checksum of both.
 */
import { crc32 } from 'node:zlib';
import type { Clock, Disk, DiskFile, Timer } from '../ports.ts';

const magic = 0x544e4948;
const hintBytes = 14;

export class Hint {
  readonly #disk: Disk;
  readonly #path: string;
  readonly #clock: Clock | undefined;
  readonly #delayMs: number;
  #file: DiskFile | null = null;
  #position = 0;
  #written = 0;
  #timer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();

  /** Without a clock the note is written at `close` only. */
  constructor(disk: Disk, path: string, clock: Clock | undefined, delayMs: number) {
    this.#disk = disk;
    this.#path = path;
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  /** The noted position; 0 when there is no readable note, which means no more than that we do not know. */
  async read(): Promise<number> {
    const raw = await this.#disk.readFile(this.#path);
    if (raw?.length !== hintBytes) return 0;
    const bytes = Buffer.from(raw);
    const intact = bytes.readUInt32LE(0) === magic && crc32(bytes.subarray(0, 10)) === bytes.readUInt32LE(10);
    return intact ? bytes.readUIntLE(4, 6) : 0;
  }

  /** The position is durable. Noted within the delay, once for all that arrive meanwhile. */
  acknowledge(position: number): void {
    this.#position = position;
    if (!this.#clock || this.#timer) return;
    this.#timer = this.#clock.after(this.#delayMs, () => {
      this.#timer = null;
      // A note that cannot be written is only a worse memory; the log itself will meet the same disk.
      this.#writing = this.#write(false).catch(() => {});
    });
  }

  /** Sets the note back, after damaged records were set aside. */
  async reset(position: number): Promise<void> {
    await this.#writing;
    this.#position = position;
    await this.#write(true);
  }

  async close(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = null;
    await this.#writing;
    if (this.#position !== this.#written) await this.#write(true);
    await this.#file?.close();
    this.#file = null;
  }

  async #write(sync: boolean): Promise<void> {
    const position = this.#position;
    const bytes = Buffer.alloc(hintBytes);
    bytes.writeUInt32LE(magic, 0);
    bytes.writeUIntLE(position, 4, 6);
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 10)), 10);
    this.#file ??= await this.#disk.open(this.#path, { create: true });
    await this.#file.write(0, bytes);
    if (sync) await this.#file.sync();
    this.#written = position;
  }
}
