/**
 * Finds where a MessagePack value ends, without looking at what it means. A TCP exchange has no length
 * prefix, so this is the only way to know that a message is complete; it can stop at the end of what has
 * arrived and go on later, and looks at each byte once, however small the pieces are.
 */
import { Refusal } from './refusal.ts';

/** Containers within containers; the deepest honest message has five. */
const depthMax = 16;

/** Bytes that follow the head byte of a fixed-size value, for heads 0xca … 0xd3 and 0xd4 … 0xd8 (ext). */
const fixedSizes: Readonly<Record<number, number>> = {
  202: 4,
  203: 8,
  204: 1,
  205: 2,
  206: 4,
  207: 8,
  208: 1,
  209: 2,
  210: 4,
  211: 8,
  212: 2,
  213: 3,
  214: 5,
  215: 9,
  216: 17,
};

export class ValueScanner {
  /** How many values are still to come in each open container, innermost last. */
  readonly #open: number[] = [1];
  readonly #bytesMax: number;
  readonly #start: number;
  #position: number;

  /** Refuses a value of more than `bytesMax` bytes (`too-large`) as soon as it shows. */
  constructor(start: number, bytesMax: number) {
    this.#start = start;
    this.#position = start;
    this.#bytesMax = bytesMax;
  }

  /** The position after the value, or -1 when `end` comes first; call again with more of the same bytes. */
  scan(bytes: Uint8Array, end = bytes.length): number {
    while (this.#open.length > 0) {
      if (!this.#stepOverHead(bytes, end)) return -1;
    }
    return this.#position <= end ? this.#position : -1;
  }

  /** Steps over a head with its content, except the elements of a container. False: the head is incomplete. */
  #stepOverHead(bytes: Uint8Array, end: number): boolean {
    const at = this.#position;
    if (at >= end) return false;
    const head = bytes[at]!;
    let size = 1;
    let children = 0;
    if (head < 0x80 || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) {
      // The head is the value.
    } else if (head <= 0x8f) children = (head & 0x0f) * 2;
    else if (head <= 0x9f) children = head & 0x0f;
    else if (head <= 0xbf) size += head & 0x1f;
    else {
      const fixed = fixedSizes[head];
      if (fixed !== undefined) size += fixed;
      else {
        const width = lengthWidth(head);
        if (at + 1 + width > end) return false;
        let length = 0;
        for (let i = 1; i <= width; i++) length = length * 256 + bytes[at + i]!;
        size += width;
        if (head === 0xdc || head === 0xdd) children = length;
        else if (head === 0xde || head === 0xdf) children = length * 2;
        else size += length + (head >= 0xc7 && head <= 0xc9 ? 1 : 0);
      }
    }
    this.#position = at + size;
    if (this.#position - this.#start + children > this.#bytesMax) throw new Refusal('too-large');
    this.#count(children);
    return true;
  }

  /** One value of the innermost container is done, or, with children, has been opened. */
  #count(children: number): void {
    const innermost = this.#open.length - 1;
    this.#open[innermost]! -= 1;
    if (children > 0) this.#open.push(children);
    if (this.#open.length > depthMax) throw new Refusal('too-deep');
    while (this.#open.length > 0 && this.#open[this.#open.length - 1] === 0) this.#open.pop();
  }
}

/** Bytes of the length or count after a head of variable size. */
function lengthWidth(head: number): 1 | 2 | 4 {
  switch (head) {
    case 0xc4:
    case 0xc7:
    case 0xd9:
      return 1;
    case 0xc5:
    case 0xc8:
    case 0xda:
    case 0xdc:
    case 0xde:
      return 2;
    case 0xc6:
    case 0xc9:
    case 0xdb:
    case 0xdd:
    case 0xdf:
      return 4;
    default:
      throw new Refusal('bad-type');
  }
}

/** The position after the value at `position`; all of it must be there. */
export function scanValue(bytes: Uint8Array, position: number): number {
  const end = new ValueScanner(position, Number.POSITIVE_INFINITY).scan(bytes);
  if (end < 0) throw new Refusal('truncated');
  return end;
}
