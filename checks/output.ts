/**
 * Keeps the head and the tail of what was said: the first lines name the trouble, the last ones are what was
 * said before the end. A gigabyte of output costs as much memory as the limit.
 */

import { assert } from '../proto/assert.ts';

const decoder = new TextDecoder('utf-8');

/** Takes bytes as they come and keeps at most `bytesMax` of them; the line that marks a cut comes on top. */
export class OutputKeeper {
  readonly #head: Uint8Array;
  readonly #tail: Uint8Array;
  #total = 0;

  constructor(bytesMax: number) {
    assert(bytesMax > 0, 'an output keeper must keep something');
    this.#head = new Uint8Array(Math.floor(bytesMax / 2));
    this.#tail = new Uint8Array(bytesMax - this.#head.length);
  }

  /** Bytes that were said in all. */
  get totalBytes(): number {
    return this.#total;
  }

  push(chunk: Uint8Array): void {
    const forHead = chunk.subarray(0, Math.max(0, this.#head.length - this.#total));
    if (forHead.length > 0) this.#head.set(forHead, this.#total);
    this.#total += forHead.length;
    if (chunk.length > forHead.length) this.#pushTail(chunk.subarray(forHead.length));
  }

  /** The tail is a ring; only the last bytes of a chunk longer than it matter. */
  #pushTail(chunk: Uint8Array): void {
    const size = this.#tail.length;
    const skipped = Math.max(0, chunk.length - size);
    const kept = chunk.subarray(skipped);
    const at = this.#tailBytes(skipped) % size;
    const untilEnd = kept.subarray(0, size - at);
    this.#tail.set(untilEnd, at);
    this.#tail.set(kept.subarray(untilEnd.length), 0);
    this.#total += chunk.length;
  }

  #tailBytes(more: number): number {
    return this.#total - this.#head.length + more;
  }

  /** What is kept, with a line in place of what is not; characters are not cut in half. */
  bytes(): Uint8Array {
    const size = this.#tail.length;
    if (this.#total <= this.#head.length) return this.#head.slice(0, this.#total);
    const inTail = this.#tailBytes(0);
    if (inTail <= size) return concat([this.#head, this.#tail.subarray(0, inTail)]);
    const at = inTail % size;
    const head = withoutPartEnd(this.#head);
    const tail = withoutPartStart(concat([this.#tail.subarray(at), this.#tail.subarray(0, at)]));
    return concat([head, cutMark(this.#total - head.length - tail.length, this.#total), tail]);
  }
}

function cutMark(cutBytes: number, totalBytes: number): Uint8Array {
  return Buffer.from(`\n... cut ${cutBytes} of ${totalBytes} bytes ...\n`);
}

/** Bytes as text; what is no UTF-8 becomes U+FFFD. */
export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Head and tail of a text that is longer than `bytesMax`, with the cut marked. */
export function boundText(text: string, bytesMax: number): string {
  // A character takes at most three bytes per UTF-16 unit; most texts are short.
  if (text.length * 3 <= bytesMax || Buffer.byteLength(text) <= bytesMax) return text;
  const keeper = new OutputKeeper(bytesMax);
  keeper.push(Buffer.from(text));
  return textOf(keeper.bytes());
}

/** The first `bytesMax` bytes, without half a character at the end. */
export function firstBytes(bytes: Uint8Array, bytesMax: number): Uint8Array {
  return bytes.length <= bytesMax ? bytes : withoutPartEnd(bytes.subarray(0, bytesMax));
}

/** What was fed to a TTL check, cut in the words of Consul. */
export function boundNote(note: string, bytesMax: number): string {
  const size = Buffer.byteLength(note);
  if (size <= bytesMax) return note;
  const kept = textOf(firstBytes(Buffer.from(note), bytesMax));
  return `${kept} ... (captured ${bytesMax} of ${size} bytes)`;
}

function withoutPartEnd(bytes: Uint8Array): Uint8Array {
  for (let back = 1; back <= Math.min(4, bytes.length); back++) {
    const byte = bytes[bytes.length - back]!;
    if (byte < 0x80) return bytes;
    // The first byte of a character says how many follow.
    if (byte >= 0xc0) {
      const wanted = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return back < wanted ? bytes.subarray(0, bytes.length - back) : bytes;
    }
  }
  return bytes;
}

function withoutPartStart(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < 3 && start < bytes.length && (bytes[start]! & 0xc0) === 0x80) start++;
  return bytes.subarray(start);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}
