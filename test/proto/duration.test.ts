import fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationFromNanoseconds, formatDuration, parseDuration } from '../../proto/duration.ts';

test.each([
  ['10s', 10_000],
  ['1.5s', 1_500],
  ['.5s', 500],
  ['1h2m3s', 3_723_000],
  ['100us', 0.1],
  ['1µs', 0.001],
  ['250ms', 250],
  ['-5s', -5_000],
  ['+5s', 5_000],
  ['0', 0],
  ['90m', 5_400_000],
])('%s is %d ms', (text, ms) => {
  expect(parseDuration(text)).toEqual({ ok: true, ms });
});

test.each([
  ['10', 'time: missing unit in duration "10"'],
  ['10 s', 'time: unknown unit " s" in duration "10 s"'],
  ['1d', 'time: unknown unit "d" in duration "1d"'],
  ['10 parsecs', 'time: unknown unit " parsecs" in duration "10 parsecs"'],
  ['', 'time: invalid duration ""'],
  ['abc', 'time: invalid duration "abc"'],
  ['s', 'time: invalid duration "s"'],
  ['-', 'time: invalid duration "-"'],
  ['1s2', 'time: missing unit in duration "1s2"'],
  ['9999999999h', 'time: invalid duration "9999999999h"'],
])('%j is refused in the words of Go', (text, message) => {
  expect(parseDuration(text)).toEqual({ ok: false, message });
});

test.each([
  [0, '0s'],
  [1, '1ms'],
  [1_500, '1.5s'],
  [90_000, '1m30s'],
  [3_600_000, '1h0m0s'],
  [0.5, '500µs'],
  [0.0005, '500ns'],
  [-5_000, '-5s'],
])('%d ms is printed as %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

test('a JSON number counts nanoseconds', () => {
  expect(durationFromNanoseconds(15_000_000_000)).toBe(15_000);
});

test('what was printed reads back as the same time', () => {
  fc.assert(
    fc.property(fc.integer({ min: -1e9, max: 1e9 }), (ms) => {
      expect(parseDuration(formatDuration(ms))).toEqual({ ok: true, ms: expect.closeTo(ms, 3) });
    }),
  );
});
