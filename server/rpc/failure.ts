/** An expected error as it travels: code, message, status and data, so that it arrives as what it was. */
import { decode, encode } from '../../proto/codec.ts';
import { type ErrorCode, ExpectedError, errorCodes, isExpected } from '../../proto/errors.ts';

/** Anything that is no expected error is a bug here; the other side hears only that there was one. */
export function encodeFailure(error: unknown): Uint8Array {
  const expected = isExpected(error) ? error : new ExpectedError('INTERNAL');
  return encode([expected.code, expected.message, expected.status, expected.data]);
}

/** A code that a newer version invented arrives as INTERNAL with its message. */
export function failureIn(body: Uint8Array): ExpectedError {
  const failure = decode(body);
  const [code, message, status, data] = Array.isArray(failure) ? failure : [];
  const known = errorCodes.includes(code) ? (code as ErrorCode) : 'INTERNAL';
  return new ExpectedError(known, typeof message === 'string' ? message : undefined, {
    data,
    ...(typeof status === 'number' ? { status } : {}),
  });
}
