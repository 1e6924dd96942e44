import { expect, test } from 'vitest';
import { apiOf, collect, durationMs, wholeNumber } from '../../../agent/cli/shared.ts';
import { Terminal } from './stage.ts';

test('the flag names the agent before the environment does, and that before the default', () => {
  const io = new Terminal();
  expect(apiOf({}, io).base).toBe('http://127.0.0.1:8500');
  io.env.ROLLCALL_HTTP_ADDR = '10.0.0.1:80';
  expect(apiOf({}, io).base).toBe('http://10.0.0.1:80');
  expect(apiOf({ httpAddr: '10.0.0.2' }, io).base).toBe('http://10.0.0.2:8500');
  io.env.ROLLCALL_HTTP_ADDR = '';
  expect(apiOf({}, io).base).toBe('http://127.0.0.1:8500');
});

test('values of flags', () => {
  expect(collect('b', collect('a'))).toEqual(['a', 'b']);
  expect(wholeNumber('0')).toBe(0);
  for (const wrong of ['-1', '1.5', '', 'x', '9'.repeat(20)])
    expect(() => wholeNumber(wrong), wrong).toThrow();
  expect(durationMs('1m30s')).toBe(90_000);
  for (const wrong of ['5', '0s', '-1s', 'x']) expect(() => durationMs(wrong), wrong).toThrow();
});
