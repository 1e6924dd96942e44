/**
 * Flow control of one stream, by credit: the reader says how many bytes it is willing to hold, the writer stops when they
 * are used up, and the reader grants more as it consumes. A listener that never reads costs one window and stops nobody.
 */
import { Refusal } from './refusal.ts';

/** What a reader holds at most, in bytes, apart from the one item that may overshoot. */
export const windowBytes = 64 * 1024;

/** The writer's side: opens while there is credit. */
export class CreditGate {
  #credit: number;
  #closed = false;
  #wake: () => void = () => {};

  constructor(credit: number) {
    this.#credit = credit;
  }

  /** Resolves with true when one more item may be sent, with false when the stream is over. */
  async open(): Promise<boolean> {
    while (!this.#closed && this.#credit <= 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return !this.#closed;
  }

  spend(bytes: number): void {
    this.#credit -= bytes;
  }

  grant(bytes: number): void {
    this.#credit += bytes;
    this.#wake();
  }

  close(): void {
    this.#closed = true;
    this.#wake();
  }
}

/** The reader's side: items that have come and were not taken yet. */
export class StreamInbox {
  readonly #grant: (bytes: number) => void;
  readonly #items: Array<{ readonly value: unknown; readonly bytes: number }> = [];
  #heldBytes = 0;
  #takenBytes = 0;
  /** What happens when the items are used up: undefined while the stream is open, null at its good end. */
  #ending: Error | null | undefined;
  #wake: () => void = () => {};

  /** `grant` tells the writer that this many more bytes are welcome. */
  constructor(grant: (bytes: number) => void) {
    this.#grant = grant;
  }

  /** Throws a `Refusal` when the writer sends beyond its credit. */
  push(value: unknown, bytes: number): void {
    if (this.#heldBytes > windowBytes) {
      throw new Refusal('oversized', 'PROTOCOL', 'a stream was written beyond its credit');
    }
    this.#items.push({ value, bytes });
    this.#heldBytes += bytes;
    this.#wake();
  }

  /** The first ending is the one that counts; items that came before it are still handed out. */
  end(reason: Error | null): void {
    if (this.#ending === undefined) this.#ending = reason;
    this.#wake();
  }

  /** The next item; undefined at a good end. Throws the reason of a bad one. */
  async take(): Promise<{ readonly value: unknown } | undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#account(item.bytes);
        return item;
      }
      if (this.#ending === null) return undefined;
      if (this.#ending !== undefined) throw this.#ending;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #account(bytes: number): void {
    this.#heldBytes -= bytes;
    this.#takenBytes += bytes;
    // Half a window at a time: a credit frame for every item would double the traffic.
    if (this.#takenBytes * 2 >= windowBytes && this.#ending === undefined) {
      this.#grant(this.#takenBytes);
      this.#takenBytes = 0;
    }
  }
}
