/**
 * Text on the wire should be UTF-8, but nobody checks it there. A byte that is no UTF-8 becomes the lone
 * surrogate U+DC00 + byte, and goes back into that byte when it is written: two names that differ on the wire
 * never become one here, and what we repeat is what we heard. Valid UTF-8 never yields a lone surrogate, so
 * the two cannot be confused.
 */

const escapeBase = 0xdc00;
const loneEscapes = /[\udc80-\udcff]/u;
const asciiLoopMax = 64;

export function decodeText(bytes: Uint8Array, start = 0, end = bytes.length): string {
  // Names and tags are short and ASCII nearly always; a loop beats the call into the runtime.
  if (end - start <= asciiLoopMax) {
    let text = '';
    let position = start;
    for (; position < end; position++) {
      const byte = bytes[position]!;
      if (byte >= 0x80) break;
      text += String.fromCharCode(byte);
    }
    if (position === end) return text;
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');
  return text.includes('\ufffd') ? decodeDamaged(bytes, start, end) : text;
}

export function encodeText(text: string): Uint8Array {
  return loneEscapes.test(text) ? encodeDamaged(text) : plainBytes(Buffer.from(text, 'utf8'));
}

function decodeDamaged(bytes: Uint8Array, start: number, end: number): string {
  const characters: string[] = [];
  let position = start;
  while (position < end) {
    const lead = bytes[position]!;
    const length = sequenceLength(bytes, position, end);
    if (length === 0) {
      characters.push(String.fromCharCode(escapeBase + lead));
      position += 1;
      continue;
    }
    let point = length === 1 ? lead : lead & (0xff >> (length + 1));
    for (let i = 1; i < length; i++) point = (point << 6) | (bytes[position + i]! & 0x3f);
    characters.push(String.fromCodePoint(point));
    position += length;
  }
  return characters.join('');
}

function encodeDamaged(text: string): Uint8Array {
  const parts: Buffer[] = [];
  for (const character of text) {
    const unit = character.charCodeAt(0);
    const escaped = character.length === 1 && unit >= escapeBase + 0x80 && unit <= escapeBase + 0xff;
    parts.push(escaped ? Buffer.of(unit - escapeBase) : Buffer.from(character, 'utf8'));
  }
  return plainBytes(Buffer.concat(parts));
}

/** Bytes of the well-formed UTF-8 sequence at `position` (Unicode 15, table 3-7), or 0. */
function sequenceLength(bytes: Uint8Array, position: number, end: number): number {
  const lead = bytes[position]!;
  if (lead < 0x80) return 1;
  const length =
    lead >= 0xc2 && lead <= 0xdf
      ? 2
      : lead >= 0xe0 && lead <= 0xef
        ? 3
        : lead >= 0xf0 && lead <= 0xf4
          ? 4
          : 0;
  if (length === 0 || position + length > end) return 0;
  for (let i = 1; i < length; i++) if ((bytes[position + i]! & 0xc0) !== 0x80) return 0;
  const second = bytes[position + 1]!;
  if (lead === 0xe0 && second < 0xa0) return 0;
  if (lead === 0xed && second > 0x9f) return 0;
  if (lead === 0xf0 && second < 0x90) return 0;
  if (lead === 0xf4 && second > 0x8f) return 0;
  return length;
}

/** The same bytes as a plain Uint8Array, so that no caller comes to depend on Buffer's methods. */
export function plainBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
