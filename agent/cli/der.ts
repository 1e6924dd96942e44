/** DER, as much of it as a certificate needs (ITU-T X.690): every function answers one complete element. */

const tag = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

export function sequence(...parts: readonly Uint8Array[]): Buffer {
  return element(tag.sequence, Buffer.concat(parts));
}

export function set(...parts: readonly Uint8Array[]): Buffer {
  return element(tag.set, Buffer.concat(parts));
}

export function boolean(value: boolean): Buffer {
  return element(tag.boolean, Buffer.from([value ? 0xff : 0]));
}

/** A number that is not negative, as its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from++;
  const digits = bytes.subarray(from);
  // Without the zero the highest bit would make it negative.
  return element(tag.integer, digits[0]! >= 0x80 ? Buffer.concat([Buffer.of(0), digits]) : digits);
}

/** `unused`: bits at the end of the last byte that do not count. */
export function bitString(bytes: Uint8Array, unused = 0): Buffer {
  return element(tag.bitString, Buffer.concat([Buffer.of(unused), bytes]));
}

export function octetString(bytes: Uint8Array): Buffer {
  return element(tag.octetString, bytes);
}

/** `1.2.840.10045.4.3.2` */
export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return element(tag.oid, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

export function utf8(text: string): Buffer {
  return element(tag.utf8, Buffer.from(text, 'utf8'));
}

/** Years to 2049 have two digits and their own type (RFC 5280, 4.1.2.5). */
export function time(at: Date): Buffer {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, '');
  if (at.getUTCFullYear() < 2050) return element(tag.utcTime, Buffer.from(digits.slice(2)));
  return element(tag.generalizedTime, Buffer.from(digits));
}

/** `[number]` around whole elements. */
export function explicit(number: number, ...parts: readonly Uint8Array[]): Buffer {
  return element(0xa0 + number, Buffer.concat(parts));
}

/** `[number]` in the place of a primitive type's own tag. */
export function implicit(number: number, content: Uint8Array): Buffer {
  return element(0x80 + number, content);
}

function element(type: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(type), lengthOf(content.length), content]);
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const digits: number[] = [];
  for (let left = length; left > 0; left >>>= 8) digits.unshift(left & 0xff);
  return Buffer.of(0x80 + digits.length, ...digits);
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift(0x80 | (left & 0x7f));
  return digits;
}
