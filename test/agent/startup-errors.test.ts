import { expect, test } from 'vitest';
import { cannotListen, isPlain, lineOf } from '../../agent/startup-errors.ts';
import { ExpectedError } from '../../proto/errors.ts';

function nodeError(code: string): Error {
  return Object.assign(new Error(`listen ${code}`), { code });
}

test.each([
  ['EADDRINUSE', /in use by another program/],
  ['EADDRNOTAVAIL', /does not have that address/],
  ['EACCES', /privileges/],
])('%s becomes one line: what, where, which key, what to do', (code, advice) => {
  const error = cannotListen('HTTP', 'ports.http', { host: '::1', port: 8500 }, nodeError(code)) as Error;
  expect(error.message).toMatch(/^cannot listen for HTTP on \[::1\]:8500 \(ports\.http\): /);
  expect(error.message).toMatch(advice);
  expect(isPlain(error)).toBe(true);
});

test('whatever else was thrown is passed on as it is', () => {
  const bug = new TypeError('x is not a function');
  expect(cannotListen('HTTP', 'ports.http', { host: '::1', port: 1 }, bug)).toBe(bug);
  expect(isPlain(bug)).toBe(false);
});

test('a message of many lines becomes one', () => {
  expect(lineOf(new ExpectedError('BAD_REQUEST', 'two errors:\n  a\n  b'))).toBe('two errors: a b');
});
