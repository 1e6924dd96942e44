/**
 * MessagePack as Go's codec of memberlist writes it: the old specification, in which text and bytes are one
 * type and only the schema tells them apart (gossip-wire 2). The writer emits exactly what a stock agent
 * would; the reader takes what a stock agent takes, trusts no length, and allocates nothing that a length
 * merely claims: every value is a view of the bytes that are there.
 */
import { assert } from '../assert.ts';
import { scanValue } from './msgpack-scan.ts';
import { Refusal } from './refusal.ts';
import { decodeText, encodeText } from './text.ts';

const twoTo32 = 0x1_0000_0000;

/** Elements that one reader hands out in all: a byte on the wire may become an object of a hundred. */
const elementsMax = 0x4_0000;

export class MsgpackWriter {
  #bytes: Uint8Array;
  #length = 0;

  constructor(bytesExpected = 256) {
    this.#bytes = new Uint8Array(bytesExpected);
  }

  /** The bytes written so far, as a view that the next write may make stale. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /** Bytes as they are, without a header. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  nil(): void {
    this.byte(0xc0);
  }

  bool(value: boolean): void {
    this.byte(value ? 0xc3 : 0xc2);
  }

  /** The shortest form; non-negative integers always in an unsigned one. */
  int(value: number): void {
    assert(Number.isSafeInteger(value), `${value} is no integer`);
    if (value >= 0) this.#unsigned(value);
    else this.#negative(value);
  }

  /** Always nine bytes, also for 0. */
  float(value: number): void {
    this.byte(0xcb);
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(this.#length, value);
    this.#length += 8;
  }

  bin(bytes: Uint8Array): void {
    this.#rawHeader(bytes.length);
    this.raw(bytes);
  }

  text(text: string): void {
    if (!this.#shortAscii(text)) this.bin(encodeText(text));
  }

  arrayHeader(count: number): void {
    this.#header(count, 0x90, 0xdc);
  }

  mapHeader(count: number): void {
    this.#header(count, 0x80, 0xde);
  }

  #unsigned(value: number): void {
    if (value < 0x80) this.byte(value);
    else if (value <= 0xff) this.#sized(0xcc, 1, value);
    else if (value <= 0xffff) this.#sized(0xcd, 2, value);
    else if (value < twoTo32) this.#sized(0xce, 4, value);
    else this.#wide(0xcf, value);
  }

  #negative(value: number): void {
    if (value >= -0x20) this.byte(value & 0xff);
    else if (value >= -0x80) this.#sized(0xd0, 1, value);
    else if (value >= -0x8000) this.#sized(0xd1, 2, value);
    else if (value >= -0x8000_0000) this.#sized(0xd2, 4, value);
    else this.#wide(0xd3, value);
  }

  #rawHeader(length: number): void {
    if (length < 32) this.byte(0xa0 | length);
    else if (length <= 0xffff) this.#sized(0xda, 2, length);
    else this.#sized(0xdb, 4, length);
  }

  /** `small` is the form for up to 15 elements, `wide` that with a 16-bit count; the 32-bit one follows it. */
  #header(count: number, small: number, wide: number): void {
    if (count < 16) this.byte(small | count);
    else if (count <= 0xffff) this.#sized(wide, 2, count);
    else this.#sized(wide + 1, 4, count);
  }

  #sized(head: number, size: 1 | 2 | 4, value: number): void {
    this.#reserve(5);
    this.#bytes[this.#length++] = head;
    for (let shift = (size - 1) * 8; shift >= 0; shift -= 8) this.#bytes[this.#length++] = value >>> shift;
  }

  #wide(head: number, value: number): void {
    this.byte(head);
    this.#reserve(8);
    new DataView(this.#bytes.buffer).setBigInt64(this.#length, BigInt(value));
    this.#length += 8;
  }

  /** Names and keys nearly always are, and this takes a tenth of the time. False: nothing has been written. */
  #shortAscii(text: string): boolean {
    if (text.length >= 32) return false;
    this.#reserve(1 + text.length);
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) return false;
      this.#bytes[this.#length + 1 + i] = unit;
    }
    this.#bytes[this.#length] = 0xa0 | text.length;
    this.#length += 1 + text.length;
    return true;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.bytes);
    this.#bytes = grown;
  }
}

/** Reads values one after the other; throws a `Refusal` when the bytes are not what was asked for. */
export class MsgpackReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #position: number;
  #elementsLeft = elementsMax;

  constructor(bytes: Uint8Array, position = 0) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  /** Steps over a nil, if there is one. */
  takeNil(): boolean {
    if (this.#peek() !== 0xc0) return false;
    this.#position += 1;
    return true;
  }

  /** Also the integers 0 and 1. */
  bool(): boolean {
    const head = this.#peek();
    if (head !== 0xc2 && head !== 0xc3) return this.int(0, 1) === 1;
    this.#position += 1;
    return head === 0xc3;
  }

  /** Any integer form; a float is refused even when it is whole, as stock agents do. */
  int(min: number, max: number): number {
    const value = this.#number(false);
    if (value < min || value > max) throw new Refusal('out-of-range');
    return value;
  }

  /** Also integers. */
  float(): number {
    return this.#number(true);
  }

  /** A raw or str value; bin is refused, as stock agents do for text. */
  text(): string {
    const length = this.#rawLength(false);
    const start = this.#take(length);
    return decodeText(this.#bytes, start, start + length);
  }

  /** A raw, str or bin value as a view, or an array of small integers as a copy. */
  bin(): Uint8Array {
    const head = this.#peek();
    if ((head & 0xf0) === 0x90 || head === 0xdc || head === 0xdd) return this.#byteArray();
    const length = this.#rawLength(true);
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** The number of elements; each takes at least a byte, so a count beyond the bytes left is refused at once. */
  arrayHeader(): number {
    return this.#count(0x90, 0xdc, 1);
  }

  mapHeader(): number {
    return this.#count(0x80, 0xde, 2);
  }

  /** Steps over a map key and returns which of `keys` it is, -1 for none; `guess` is looked at first. */
  key(keys: readonly Uint8Array[], guess: number): number {
    const length = this.#rawLength(false);
    const start = this.#take(length);
    if (guess < keys.length && this.#equals(start, length, keys[guess]!)) return guess;
    return keys.findIndex((key) => this.#equals(start, length, key));
  }

  /** Steps over one value of any kind. */
  skip(): void {
    this.#position = scanValue(this.#bytes, this.#position);
  }

  #equals(start: number, length: number, key: Uint8Array): boolean {
    if (length !== key.length) return false;
    for (let i = 0; i < length; i++) if (this.#bytes[start + i] !== key[i]) return false;
    return true;
  }

  #byteArray(): Uint8Array {
    const bytes = new Uint8Array(this.arrayHeader());
    for (let i = 0; i < bytes.length; i++) bytes[i] = this.int(0, 0xff);
    return bytes;
  }

  #number(floats: boolean): number {
    const head = this.#bytes[this.#take(1)]!;
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    switch (head) {
      case 0xca:
      case 0xcb: {
        if (!floats) throw new Refusal('bad-type');
        return head === 0xca ? this.#view.getFloat32(this.#take(4)) : this.#view.getFloat64(this.#take(8));
      }
      case 0xcc:
        return this.#view.getUint8(this.#take(1));
      case 0xcd:
        return this.#view.getUint16(this.#take(2));
      case 0xce:
        return this.#view.getUint32(this.#take(4));
      case 0xcf:
        return wideNumber(this.#view.getBigUint64(this.#take(8)));
      case 0xd0:
        return this.#view.getInt8(this.#take(1));
      case 0xd1:
        return this.#view.getInt16(this.#take(2));
      case 0xd2:
        return this.#view.getInt32(this.#take(4));
      case 0xd3:
        return wideNumber(this.#view.getBigInt64(this.#take(8)));
      default:
        throw new Refusal('bad-type');
    }
  }

  #rawLength(binAllowed: boolean): number {
    const head = this.#bytes[this.#take(1)]!;
    if (head >= 0xa0 && head <= 0xbf) return head & 0x1f;
    if (head === 0xd9 || (binAllowed && head === 0xc4)) return this.#view.getUint8(this.#take(1));
    if (head === 0xda || (binAllowed && head === 0xc5)) return this.#view.getUint16(this.#take(2));
    if (head === 0xdb || (binAllowed && head === 0xc6)) return this.#view.getUint32(this.#take(4));
    throw new Refusal('bad-type');
  }

  #count(small: number, wide: number, bytesEach: number): number {
    const head = this.#bytes[this.#take(1)]!;
    const count =
      (head & 0xf0) === small
        ? head & 0x0f
        : head === wide
          ? this.#view.getUint16(this.#take(2))
          : head === wide + 1
            ? this.#view.getUint32(this.#take(4))
            : -1;
    if (count < 0) throw new Refusal('bad-type');
    if (count * bytesEach > this.#bytes.length - this.#position) throw new Refusal('truncated');
    this.#elementsLeft -= count;
    if (this.#elementsLeft < 0) throw new Refusal('too-many');
    return count;
  }

  #peek(): number {
    const head = this.#bytes[this.#position];
    if (head === undefined) throw new Refusal('truncated');
    return head;
  }

  /** Claims the next `count` bytes and returns where they start. */
  #take(count: number): number {
    const start = this.#position;
    if (count > this.#bytes.length - start) throw new Refusal('truncated');
    this.#position = start + count;
    return start;
  }
}

function wideNumber(value: bigint): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Refusal('out-of-range');
  return number;
}
