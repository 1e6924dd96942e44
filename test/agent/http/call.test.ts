import { expect, test } from 'vitest';
import { Call, waitMsDefault, waitMsMax } from '../../../agent/http/call.ts';
import { ExpectedError } from '../../../proto/errors.ts';

function call(query: string, param = ''): Call {
  return new Call({
    param,
    query: new URLSearchParams(query),
    headers: { 'x-many': ['a', 'b'] as never },
    body: Buffer.alloc(0),
    makeSignal: () => AbortSignal.abort(),
  });
}

function words(run: () => unknown): string {
  try {
    run();
    return '';
  } catch (error) {
    return error instanceof ExpectedError ? `${error.status} ${error.message}` : `a bug: ${error}`;
  }
}

test('a flag counts by being there, whatever it is set to', () => {
  for (const query of ['pretty', 'pretty=', 'pretty=0', 'a=b&pretty=false']) {
    expect(call(query).has('pretty')).toBe(true);
  }
  expect(call('prettyprint').has('pretty')).toBe(false);
});

test('booleans are exactly the words that Consul takes', () => {
  const value = (text: string) => call(`enable=${text}`).boolean('enable', (bad) => `bad ${bad}`);
  expect(['1', 't', 'T', 'TRUE', 'true', 'True'].map(value)).toEqual(Array(6).fill(true));
  expect(['0', 'f', 'F', 'FALSE', 'false', 'False'].map(value)).toEqual(Array(6).fill(false));
  expect(value('')).toBeUndefined();
  expect(words(() => value('yes'))).toBe('400 bad yes');
  expect(words(() => value('tRUE'))).toBe('400 bad tRUE');
});

test('waits: a duration with a unit, 0s is the default, more than ten minutes are cut', () => {
  expect(call('').waitMs()).toBe(waitMsDefault);
  expect(call('wait=0s').waitMs()).toBe(waitMsDefault);
  expect(call('wait=120000ms').waitMs()).toBe(120_000);
  expect(call('wait=1h').waitMs()).toBe(waitMsMax);
  for (const bad of ['10', 'abc', '-1s'])
    expect(words(() => call(`wait=${bad}`).waitMs())).toBe('400 Invalid wait time');
});

test('a parameter that is missing is complained about as the path wants it', () => {
  expect(call('', 'web').required('Missing service name')).toBe('web');
  expect(words(() => call('').required('Missing service name'))).toBe('400 Missing service name');
  expect(words(() => call('').required('CheckID missing', 500))).toBe('500 CheckID missing');
});

test('repeated parameters and headers', () => {
  expect(call('tag=a&tag=b').all('tag')).toEqual(['a', 'b']);
  expect(call('').header('x-many')).toBe('a, b');
  expect(call('').header('x-none')).toBe('');
  expect(call('').signal.aborted).toBe(true);
});
