import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findJsonFault } from '../../../agent/config/json-fault.ts';

test.each([
  ['{"a": 1,}', 8, 'a key in double quotes'],
  ['{"a": [1, 2,]}', 12, 'a value'],
  ['{"a": 1 "b": 2}', 8, 'a comma or }'],
  ["{'a': 1}", 1, 'a key in double quotes'],
  ['{"a" 1}', 5, 'a colon'],
  ['[1 2]', 3, 'a comma or ]'],
  ['{"a": 01}', 7, 'a comma or }'],
  ['{"a": .5}', 6, 'a value'],
  ['{"a": "x\ty"}', 6, 'a value'],
  ['{} # done', 3, 'the end of the file'],
  ['{"a": yes}', 6, 'a value'],
])('%s: at %i there must be %s', (json, position, wanted) => {
  expect(findJsonFault(json)).toEqual({ position, wanted });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('it agrees with the parser on what is JSON, also when one character is changed', () => {
  const change = fc.tuple(
    fc.nat(200),
    fc.constantFrom('', ',', '"', '}', ']', ' ', '0', '-', '\\', '\n', 'e'),
  );
  fc.assert(
    fc.property(fc.json(), change, (json, [at, sign]) => {
      const changed = json.slice(0, at) + sign + json.slice(at + 1);
      for (const text of [json, changed]) expect(findJsonFault(text) === null).toBe(isJson(text));
    }),
  );
});
