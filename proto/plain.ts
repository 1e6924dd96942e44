/**
 * Small questions about values that came from elsewhere, for the few shapes that every agent reads all day. What is larger
 * has a schema; the library for those takes about 12 MiB of memory and is loaded only where they are used.
 */

/** A map, as JSON and MessagePack make it. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Both limits count UTF-16 units. */
export function isText(value: unknown, lengthMin: number, lengthMax: number): value is string {
  return typeof value === 'string' && value.length >= lengthMin && value.length <= lengthMax;
}

/** Whole, exact, and from `min` to `max`. */
export function isWhole(value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

export function isOneOf<Word extends string>(value: unknown, words: readonly Word[]): value is Word {
  return (words as readonly unknown[]).includes(value);
}
