/**
 * What leaves on one connection. Frames that one event brought about leave together, since a system call for each of them
 * costs more than everything else; and nobody may fill this process's memory by not reading.
 */
import type { ByteStream } from './byte-stream.ts';

/** Streams pause above this much. */
export const outboxBytesHigh = 1024 * 1024;
/** Answers and notices are not paused; a connection that has this much waiting is broken off. */
export const outboxBytesMax = 192 * 1024 * 1024;
const joinBytesMax = 64 * 1024;

export class Outbox {
  readonly #stream: ByteStream;
  readonly #defer: (run: () => void) => void;
  readonly #onOverflow: () => void;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #waiters: Array<() => void> = [];
  #closed = false;

  /** `defer` runs its argument when what is under way has ended. */
  constructor(stream: ByteStream, defer: (run: () => void) => void, onOverflow: () => void) {
    this.#stream = stream;
    this.#defer = defer;
    this.#onOverflow = onOverflow;
  }

  /** Bytes that have not left this process. */
  get waitingBytes(): number {
    return this.#bytes + this.#stream.bufferedBytes;
  }

  send(frame: Uint8Array): void {
    if (this.#closed) return;
    this.#parts.push(frame);
    this.#bytes += frame.length;
    if (this.#parts.length === 1) this.#defer(() => this.flush());
    if (this.waitingBytes > outboxBytesMax) this.#onOverflow();
  }

  flush(): void {
    if (this.#closed || this.#parts.length === 0) return;
    const parts = this.#parts;
    const bytes = this.#bytes;
    this.#parts = [];
    this.#bytes = 0;
    if (parts.length === 1 || bytes <= joinBytesMax) {
      this.#stream.write(parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes));
    } else {
      for (const part of parts) this.#stream.write(part);
    }
    // What the kernel takes at once, however much it is, is never told to have drained.
    if (this.waitingBytes <= outboxBytesHigh) this.#wakeAll();
  }

  /** Resolves at once when there is room, else when the other side has read on, or when all is over. */
  async room(): Promise<void> {
    while (!this.#closed && this.waitingBytes > outboxBytesHigh) {
      await new Promise<void>((resolve) => {
        this.#waiters.push(resolve);
      });
    }
  }

  onDrain(): void {
    this.#wakeAll();
  }

  /** Nothing leaves any more. */
  close(): void {
    this.#closed = true;
    this.#parts = [];
    this.#bytes = 0;
    this.#wakeAll();
  }

  #wakeAll(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
