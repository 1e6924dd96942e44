/** Tables of numbers, indexed by member number: bytes instead of objects, so that a core can know many members. */

type Table = Uint8Array | Uint32Array | Float32Array | Float64Array;

/**
 * Length of a table that shall hold this number. A sixteenth of it is to spare: more would make a member dearer than its
 * 64 bytes, and a cluster rarely grows by so much at once that copying counts.
 */
export function roomyLength(number: number): number {
  return Math.max(16, number + 1 + (number >> 4));
}

/** Copies a table into a larger one of its kind. */
export function grown<T extends Table>(table: T, larger: T): T {
  larger.set(table);
  return larger;
}
