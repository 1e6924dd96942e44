/** Tables of numbers, indexed by member number: bytes instead of objects, so that a core can know many members. */

type Table = Uint8Array | Uint32Array | Float32Array | Float64Array;

/** Copies a table into a larger one of its kind. */
export function grown<T extends Table>(table: T, larger: T): T {
  larger.set(table);
  return larger;
}
