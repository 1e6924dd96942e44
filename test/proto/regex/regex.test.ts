import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compileRegex } from '../../../proto/regex/regex.ts';

const texts = [
  '',
  'a',
  'b',
  'ab',
  'aab',
  'web-1',
  'Web-12',
  'a\nb',
  'x.y',
  'ÄÖ',
  'foo bar',
  'a{2}',
  'aaa',
  '_9',
  ']',
];

test('finds what JavaScript finds, where both mean the same', () => {
  const patterns = [
    'a',
    '^a',
    'b$',
    'a|b',
    'a*b',
    '(ab)+',
    'a{2,3}',
    'a{2}',
    'a{0}b',
    '[a-c]',
    '[^a]',
    '[]a]'.replace('[]', '[\\]'),
    '\\d+',
    '^\\w+$',
    '\\s',
    'web-[0-9]{1,2}$',
    '(?:a|b)?x',
    '\\.',
    '.',
    '^.$',
    '\\bbar\\b',
    '\\Bar',
    'a??b',
    '(a*)*b',
    '',
    '\\x61',
    '[\\d_]',
    '[a-]',
  ];
  for (const pattern of patterns) {
    const mine = compileRegex(pattern);
    const theirs = new RegExp(pattern, 'u');
    for (const text of texts)
      expect([pattern, text, mine.test(text)]).toEqual([pattern, text, theirs.test(text)]);
  }
});

test('any pattern of a small language agrees with JavaScript on any text', () => {
  const leaf = fc.constantFrom('a', 'b', '.', '[ab]', '[^b]', '^', '$', '\\b');
  const { pattern } = fc.letrec<{ pattern: string }>((tie) => ({
    pattern: fc.oneof(
      { depthSize: 'small' },
      leaf,
      fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `${a}${b}`),
      fc.tuple(tie('pattern'), tie('pattern')).map(([a, b]) => `(${a}|${b})`),
      fc
        .tuple(tie('pattern'), fc.constantFrom('*', '+', '?', '{2}', '{1,2}'))
        .map(([a, q]) => `(?:${a})${q}`),
    ),
  }));
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '-', '\n'), maxLength: 8 });
  fc.assert(
    fc.property(pattern, text, (source, sample) => {
      expect(compileRegex(source).test(sample)).toBe(new RegExp(source, 'u').test(sample));
    }),
    { numRuns: 500 },
  );
});

test('what RE2 has and JavaScript has not', () => {
  const cases: Array<[string, string, boolean]> = [
    ['(?i)WEB', 'my-web-1', true],
    ['(?i:A)b', 'Ab', true],
    ['(?i:A)b', 'AB', false],
    ['(?i)[a-z]+ß', 'XYß', true],
    ['(?s)a.b', 'a\nb', true],
    ['(?m)^b$', 'a\nb\nc', true],
    ['(?-s)a.b', 'a\nb', false],
    ['\\Aweb\\z', 'web', true],
    ['\\Qa.b\\E+', 'a.bbb', true],
    ['\\Qa.b', 'axb', false],
    ['(?P<name>a)(?<other>b)', 'ab', true],
    ['[[:alpha:]]+[[:^digit:]]', 'ab-', true],
    ['\\x{1F600}', '😀', true],
    ['a{,2}', 'a{,2}', true],
  ];
  for (const [pattern, text, expected] of cases) {
    expect([pattern, text, compileRegex(pattern).test(text)]).toEqual([pattern, text, expected]);
  }
});

test('a pattern that would hold up a backtracking engine for hours is an ordinary one', () => {
  expect(compileRegex('^(a+)+$').test(`${'a'.repeat(2_000)}b`)).toBe(false);
});

test('what cannot be understood is refused with its place', () => {
  const cases: Array<[string, RegExp]> = [
    ['a(b', /character 4: a group is not closed/],
    ['a)b', /character 2: unexpected \)/],
    ['*a', /character 1: \* has nothing to repeat/],
    ['a**', /character 3: \* repeats a repetition/],
    ['(?=a)', /character 2: .*look-around/],
    ['(a)\\1', /character 5: back-references/],
    ['[a', /class of characters is not closed/],
    ['[b-a]', /range of characters must rise/],
    ['[[:nope:]]', /\[:nope:\] is not known/],
    ['a{3,2}', /count must rise/],
    ['a{1001}', /at most 1000/],
    ['\\y', /character 2: \\y is not understood/],
    ['a\\', /ends with a backslash/],
    ['(?z)a', /flag z is not known/],
    ['((a{100}){100}){100}', /more than 5000 steps/],
    ['('.repeat(500), /nested too deeply/],
    ['a'.repeat(1_001), /1000 characters/],
  ];
  for (const [pattern, reason] of cases) expect(() => compileRegex(pattern)).toThrow(reason);
});

test('repeats of nothing inside of each other are nothing, at once', () => {
  expect(compileRegex('^(((((){1000}){1000}){1000}){1000}){1000}a$').test('a')).toBe(true);
});
