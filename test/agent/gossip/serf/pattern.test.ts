import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compilePattern } from '../../../../agent/gossip/serf/pattern.ts';

test('matches what RE2 and JavaScript agree on', () => {
  const expressions = [
    'web', '^web$', 'web|db', '^(web|db)-[0-9]+$', 'a*b+c?', '(ab)*c', '[^a-c]x', '\\d{2,3}', '^.$', '', 'x{0}', 'a{2,}',
    '\\bdc1\\b', '^\\s*\\w+\\s*$', '(?:a|b){3}', 'a+?b', '[]-]', '[\\d.]+', 'a|', '((a|b)c)+$', '\\.com', '[a\\-z]',
  ]; // biome-ignore format: a table
  const texts = [
    '',
    'a',
    'web',
    'web-12',
    'db',
    'abc',
    'aabbc',
    'xx',
    'cx',
    'dx',
    '123',
    'dc1',
    'my dc1 x',
    'acbc',
    'x.com',
    ']',
    '-',
    'bab',
  ];
  for (const expression of expressions) {
    // Go takes `]` as a literal at the start of a set, JavaScript does not.
    const reference = new RegExp(expression.replace('[]', '[\\]'));
    for (const text of texts) {
      expect(compilePattern(expression)?.test(text), `/${expression}/ on "${text}"`).toBe(
        reference.test(text),
      );
    }
  }
});

test('ignores case when told to', () => {
  expect(compilePattern('(?i)web-[a-c]')?.test('WEB-B')).toBe(true);
  expect(compilePattern('web')?.test('WEB')).toBe(false);
});

test('what is no expression matches nobody', () => {
  for (const bad of [
    '(',
    ')',
    '[a',
    '*',
    'a**',
    '\\',
    '(?=x)',
    '\\p{L}',
    '[b-a]',
    'a{1001}',
    'a{3,2}',
    '[[:alpha:]]',
  ]) {
    expect(compilePattern(bad), bad).toBeUndefined();
  }
});

test('an expression that would keep a backtracking engine busy for years is done at once', () => {
  const text = 'a'.repeat(400);
  for (const evil of ['(a+)+$b', '(a|a)*b', '(a|aa)+c', '((a*)*)*d'])
    expect(compilePattern(evil)?.test(text)).toBe(false);
});

test('expressions that grow beyond bounds are refused', () => {
  expect(compilePattern('((a{100}){100}){100}')).toBeUndefined();
  expect(compilePattern('(((){1000}){1000}){1000}')).toBeUndefined();
  expect(compilePattern('('.repeat(60) + ')'.repeat(60))).toBeUndefined();
});

test('whatever a stranger sends, it ends and throws nothing', () => {
  const noise = fc.string({ unit: fc.constantFrom(...'ab01()[]{}|*+?^$.\\-,dwsb:'), maxLength: 24 });
  fc.assert(
    fc.property(noise, fc.string({ maxLength: 24 }), (expression, text) => {
      const pattern = compilePattern(expression);
      expect([true, false, undefined]).toContain(pattern?.test(text));
    }),
    { numRuns: 2_000 },
  );
});
