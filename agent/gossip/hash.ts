/** Small, quick hashes for comparing tables; nothing that anybody's safety depends on. */

const fnvOffset = 0x811c9dc5;
const fnvPrime = 0x01000193;

/** Adds a 32-bit value: FNV-1a with a stir, so that values that differ in one bit differ in all. */
export function mix(hash: number, value: number): number {
  let mixed = Math.imul(hash ^ value, fnvPrime);
  mixed ^= mixed >>> 15;
  mixed = Math.imul(mixed, 0x2c1b3c6d);
  return mixed ^ (mixed >>> 12);
}

/** FNV-1a over bytes, 32 bits. */
export function hashBytes(bytes: Uint8Array, start = fnvOffset): number {
  let hash = start;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, fnvPrime);
  return hash >>> 0;
}

/** The same over the characters of a text. */
export function hashText(text: string, start = fnvOffset): number {
  let hash = start;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), fnvPrime);
  return hash >>> 0;
}
