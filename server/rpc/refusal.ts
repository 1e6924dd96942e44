/**
 * Why a connection was refused or broken off: one word for the counter, one sentence for people. The listener counts by
 * these words, so a scan of the port, a peer of another cluster and a wrong key are told apart at a glance.
 */
import { decode, encode } from '../../proto/codec.ts';
import { type ErrorCode, ExpectedError, errorCodes, isExpected, messageOf } from '../../proto/errors.ts';

export const refusalReasons = [
  /** Bytes that are no conversation of ours. */
  'garbage',
  'oversized',
  /** The stream ended in the middle of a frame, or before the handshake was through. */
  'half',
  /** Nothing came in time. */
  'silent',
  /** No common version of the protocol. */
  'protocol',
  'foreign_cluster',
  /** The other side does not know the key of the cluster, or has one where we have none. */
  'key',
  'too_many',
  /** The other side does not read what we send. */
  'slow_reader',
  /** TLS is asked for and not spoken, or its certificate does not hold. */
  'tls',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

export class Refusal extends ExpectedError {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, code: ErrorCode, detail: string) {
    super(code, detail);
    this.reason = reason;
  }
}

/** What `FrameReader` and the codec throw, with the word that it is counted by. */
export function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  if (!isExpected(error)) throw error;
  return new Refusal(error.code === 'TOO_LARGE' ? 'oversized' : 'garbage', error.code, error.message);
}

export function encodeRefusal(refusal: Refusal): Uint8Array {
  return encode({ code: refusal.code, message: refusal.message });
}

/** What the other side said when it would not have us. */
export function decodeRefusal(body: Uint8Array): ExpectedError {
  const { code, message } = decodeObject(body);
  const known = errorCodes.includes(code as ErrorCode) ? (code as ErrorCode) : 'PROTOCOL';
  return new ExpectedError(known, `refused by the other side: ${String(message ?? 'no reason given')}`);
}

/** The body of a frame that must be an object; throws a `Refusal` when it is none. */
export function decodeObject(body: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = decode(body);
  } catch (error) {
    throw new Refusal('garbage', 'PROTOCOL', messageOf(error));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal('garbage', 'PROTOCOL', 'a frame that should hold an object holds something else');
  }
  return value as Record<string, unknown>;
}
