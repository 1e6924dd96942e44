/**
 * LZW as Go's compress/lzw writes it for memberlist (gossip-wire 5): codes of 9 to 12 bits, least significant
 * bit first, 256 clears the table, 257 ends the stream. `high` counts the codes since the last clear and
 * numbers the table's entries; writer and reader widen the codes where it reaches a power of two.
 */
import { assert } from '../assert.ts';
import { Refusal } from './refusal.ts';

const clearCode = 256;
const endCode = 257;
const firstWidth = 9;
const lastWidth = 12;
const codesMax = 1 << lastWidth;
/** The writer gives this code to nothing: it clears the table when it gets here. */
const lastCode = codesMax - 1;

/** Pairs (prefix code, byte) and their codes in one word: prefix 12 bits, byte 8, code 12. Open addressing. */
const pairSlots = new Uint32Array(1 << 14);

/** The reader's table, by code: the entry before, its last byte, and how long the entry is in all. */
const prefixes = new Uint16Array(codesMax);
const suffixes = new Uint8Array(codesMax);
const lengths = new Uint16Array(codesMax);
for (let literal = 0; literal < clearCode; literal++) {
  suffixes[literal] = literal;
  lengths[literal] = 1;
}

/**
 * `initialClear`: begin with a clear code, as Go 1.17 and later do; readers take both. Never called with
 * nothing, since a stock agent dies of a stream that inflates to nothing.
 */
export function compress(data: Uint8Array, initialClear = true): Uint8Array {
  assert(data.length > 0, 'nothing to compress');
  const writer = new CodeWriter(data.length);
  if (initialClear) writer.write(clearCode);
  pairSlots.fill(0);

  let prefix = data[0]!;
  for (let i = 1; i < data.length; i++) {
    const byte = data[i]!;
    const slot = slotOf(prefix, byte);
    const found = pairSlots[slot]!;
    if (found !== 0) {
      prefix = found & lastCode;
      continue;
    }
    writer.write(prefix);
    if (writer.raiseHigh()) pairSlots.fill(0);
    else pairSlots[slot] = (((prefix << 8) | byte) << 12) | writer.high;
    prefix = byte;
  }
  writer.write(prefix);
  writer.raiseHigh();
  writer.write(endCode);
  return writer.finish();
}

/** Throws a `Refusal`: `bomb` beyond `bytesMax`, `empty`, or `bad-compression`. */
export function decompress(data: Uint8Array, bytesMax: number): Uint8Array {
  let output = new Uint8Array(Math.min(bytesMax, data.length * 4));
  let written = 0;
  let bits = 0;
  let bitCount = 0;
  let position = 0;
  let width = firstWidth;
  let high = endCode;
  /** The code before, or -1 when nothing extends it: at the start, after a clear, with a full table. */
  let last = -1;

  for (;;) {
    while (bitCount < width) {
      if (position === data.length) throw new Refusal('bad-compression');
      bits |= data[position++]! << bitCount;
      bitCount += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    bitCount -= width;

    if (code === clearCode) {
      width = firstWidth;
      high = endCode;
      last = -1;
      continue;
    }
    if (code === endCode) break;
    if (code > high) throw new Refusal('bad-compression');

    // The one code that may be used before it is complete: the entry before, plus its own first byte.
    const unfinished = code === high;
    const source = unfinished ? last : code;
    const length = lengths[source]! + (unfinished ? 1 : 0);
    if (written + length > bytesMax) throw new Refusal('bomb');
    if (written + length > output.length) output = grown(output, written + length, bytesMax);
    let at = written + lengths[source]! - 1;
    for (let entry = source; at >= written; at--) {
      output[at] = suffixes[entry]!;
      entry = prefixes[entry]!;
    }
    const first = output[written]!;
    if (unfinished) output[written + length - 1] = first;
    written += length;

    if (last >= 0) {
      prefixes[high] = last;
      suffixes[high] = first;
      lengths[high] = lengths[last]! + 1;
    }
    last = code;
    if (high < codesMax) high += 1;
    if (high === codesMax) last = -1;
    else if (high === 1 << width) width += 1;
  }
  if (written === 0) throw new Refusal('empty');
  return output.subarray(0, written);
}

/** Where the pair is, or where it would go. At most 3,837 pairs share 16,384 slots, so there is always room. */
function slotOf(prefix: number, byte: number): number {
  const pair = (prefix << 8) | byte;
  let slot = ((pair >>> 12) ^ pair) & (pairSlots.length - 1);
  while (pairSlots[slot] !== 0 && pairSlots[slot]! >>> 12 !== pair)
    slot = (slot + 1) & (pairSlots.length - 1);
  return slot;
}

function grown(output: Uint8Array<ArrayBuffer>, needed: number, bytesMax: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(Math.min(bytesMax, Math.max(needed, output.length * 2)));
  larger.set(output);
  return larger;
}

/** Packs codes into bytes and keeps count of the table. */
class CodeWriter {
  high = endCode;
  readonly #bytes: Uint8Array;
  #length = 0;
  #width = firstWidth;
  #bits = 0;
  #bitCount = 0;

  constructor(dataLength: number) {
    // One code a byte in the worst case, a clear every 3,837 codes, the two at the ends and one at the last.
    const codes = dataLength + Math.ceil(dataLength / 3000) + 3;
    this.#bytes = new Uint8Array(Math.ceil((codes * lastWidth) / 8));
  }

  write(code: number): void {
    this.#bits |= code << this.#bitCount;
    this.#bitCount += this.#width;
    while (this.#bitCount >= 8) {
      this.#bytes[this.#length++] = this.#bits & 0xff;
      this.#bits >>>= 8;
      this.#bitCount -= 8;
    }
  }

  /** True when the table was full: the clear code has been written, and there is no new entry. */
  raiseHigh(): boolean {
    this.high += 1;
    if (this.high === 1 << this.#width) this.#width += 1;
    if (this.high !== lastCode) return false;
    this.write(clearCode);
    this.#width = firstWidth;
    this.high = endCode;
    return true;
  }

  finish(): Uint8Array {
    if (this.#bitCount > 0) this.#bytes[this.#length++] = this.#bits & 0xff;
    return this.#bytes.subarray(0, this.#length);
  }
}
