import { expect, test } from 'vitest';
import { multiError } from '../../../agent/http/multi-error.ts';

test("Consul's form, for one and for several", () => {
  expect(multiError('BAD_REQUEST', ['no']).message).toBe('1 error occurred:\n\t* no\n\n');
  expect(multiError('CONNECTION_LOST', ['a', 'b'])).toMatchObject({
    code: 'CONNECTION_LOST',
    status: 500,
    message: '2 errors occurred:\n\t* a\n\t* b\n\n',
  });
});
