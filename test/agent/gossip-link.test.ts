import { expect, test } from 'vitest';
import { fromWire, toWire } from '../../agent/gossip-link.ts';
import { ListenError } from '../../agent/transport.ts';
import { ExpectedError } from '../../proto/errors.ts';

test('expected errors keep code and words between the threads', () => {
  const busy = fromWire(toWire(new ExpectedError('BUSY', 'too much to do')));
  expect(busy).toBeInstanceOf(ExpectedError);
  expect(busy).toMatchObject({ code: 'BUSY', message: 'too much to do' });
  expect(fromWire(toWire(new ListenError('EADDRINUSE', '127.0.0.1:1', 'UDP')))).toMatchObject({
    name: 'ListenError',
    code: 'EADDRINUSE',
    message: expect.stringContaining('127.0.0.1:1 (UDP)'),
  });
});

test('a bug is not wrapped up, it is thrown on', () => {
  expect(() => toWire(new TypeError('oops'))).toThrow('oops');
});
