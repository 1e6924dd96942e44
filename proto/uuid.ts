/** Uuids (RFC 9562). */
import type { Random } from './ports.ts';

const form = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Of any version, in either case: operators choose theirs freely. */
export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && form.test(value);
}

/** Version 4, from the random that we were handed. */
export function makeUuid(random: Random): string {
  const bytes = random.bytes(16);
  const marked = [...bytes].map((byte, at) => {
    if (at === 6) return (byte & 0x0f) | 0x40;
    return at === 8 ? (byte & 0x3f) | 0x80 : byte;
  });
  const hex = marked.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return parts.join('-');
}
