import { expect, test } from 'vitest';
import { redact, redacting } from '../../agent/redact.ts';
import { critical, type Kinds, type RunContext } from '../../checks/kinds/kind.ts';
import type { CheckSpec } from '../../proto/schema/definitions.ts';

test('a secret is blotted out wherever it stands, in the form of a URL too', () => {
  expect(redact('GET http://x/?t=a%2Fb%20c: a/b c a/b c', ['a/b c'])).toBe(
    'GET http://x/?t=(hidden): (hidden) (hidden)',
  );
});

test('a secret inside of another does not leave the rest of it behind', () => {
  expect(redact('token-long', ['token', 'token-long'])).toBe('(hidden)');
});

test('a word too short to be a secret leaves the text alone', () => {
  expect(redact('abc', ['', 'b', 'abc'])).toBe('abc');
});

test('every run is covered, with the secrets of that moment', async () => {
  const kinds: Kinds = {
    classOf: () => 'network',
    load: async () => ({ run: async () => critical('answer: geheim, neues') }),
  };
  let secrets = ['geheim'];
  const kind = await redacting(kinds, () => secrets).load('http');
  const run = async () => (await kind.run({} as CheckSpec, {} as RunContext)).output;
  expect(await run()).toBe('answer: (hidden), neues');
  secrets = ['neues'];
  expect(await run()).toBe('answer: geheim, (hidden)');
});
