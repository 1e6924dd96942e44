/**
 * Whatever comes from the network may be garbage, and garbage is weather: the layers of the decoder throw a
 * `Refusal` with a name, the entrances (`decodePacket`, `StreamDecoder`, `decodeSerf`, …) catch it and hand the
 * name to a counter. Nothing else leaves a decoder.
 */

export const refusalReasons = [
  /** A packet, part, layer or user message without content. */
  'empty',
  /** Ends in the middle of something. */
  'truncated',
  /** No label where ours is needed, one where none is, or another one. */
  'bad-label',
  /** Plain, but we are configured to take sealed messages only. */
  'not-encrypted',
  /** Sealed, but we have no keys at all. */
  'no-keys',
  /** Sealed with none of our keys, or altered under way. */
  'wrong-key',
  'bad-crc',
  /** The LZW stream makes no sense. */
  'bad-compression',
  /** Inflates beyond the limit. */
  'bomb',
  /** Layers or values nested beyond any honest use. */
  'too-deep',
  /** More messages, members or elements than we are ready to hold. */
  'too-many',
  /** More bytes than we are ready to hold. */
  'too-large',
  'unknown-type',
  /** A value of another kind than the field has. */
  'bad-type',
  /** A number that does not fit its field. */
  'out-of-range',
  /** A version vector that is neither absent nor six long; stock agents die of it. */
  'bad-vsn',
  /** A query that stock agents would die of if we passed it on. */
  'bad-query',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason) {
    super(reason);
    this.reason = reason;
  }
}

/** What a decoder hands out: a message, or why there is none. */
export type Decoded<T> =
  | { readonly message: T; readonly refused?: undefined }
  | { readonly message?: undefined; readonly refused: RefusalReason };

/** Runs a decoder that may throw a `Refusal`. Any other exception is a bug of ours and passes through. */
export function catchRefusal<T>(decode: () => T): Decoded<T> {
  try {
    return { message: decode() };
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.reason };
    throw error;
  }
}
