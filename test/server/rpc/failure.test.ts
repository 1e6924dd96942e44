import { expect, test } from 'vitest';
import { encode } from '../../../proto/codec.ts';
import { ExpectedError, errorCodes } from '../../../proto/errors.ts';
import { encodeFailure, failureIn } from '../../../server/rpc/failure.ts';

test('every code arrives as itself, with its words and its status', () => {
  for (const code of errorCodes) {
    const sent = new ExpectedError(code, `about ${code}`, { data: { n: 1 } });
    const { message, status, data } = sent;
    expect(failureIn(encodeFailure(sent))).toMatchObject({ code, message, status, data });
  }
});

test('a bug keeps its details to itself', () => {
  expect(failureIn(encodeFailure(new TypeError('secret')))).toMatchObject({
    code: 'INTERNAL',
    message: 'internal error',
  });
});

test('a code of a newer version and plain nonsense arrive as INTERNAL', () => {
  expect(failureIn(encode(['FROM_THE_FUTURE', 'words', 418, null]))).toMatchObject({
    code: 'INTERNAL',
    message: 'words',
    status: 418,
  });
  expect(failureIn(encode('nonsense')).code).toBe('INTERNAL');
});
