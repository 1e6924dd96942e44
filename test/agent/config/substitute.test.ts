// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is made of them
import { expect, test } from 'vitest';
import { fromPlain, type LocatedMap, toPlain } from '../../../agent/config/located.ts';
import { formatProblem, Problems } from '../../../agent/config/problems.ts';
import { namesIn, substituteMap } from '../../../agent/config/substitute.ts';

const at = { file: 'f', line: 2, column: 3 };
const tree = (value: object) => fromPlain(value, at) as LocatedMap;

function fill(value: object, values: Record<string, string | number | boolean>) {
  const problems = new Problems();
  const filled = substituteMap(tree(value), new Map(Object.entries(values)), ['checks', 0], problems);
  return { plain: toPlain(filled), problems: problems.sorted([]).map(formatProblem) };
}

test('names are filled in, in lists and keys too', () => {
  expect(
    fill({ args: ['ping', '${host}'], header: { 'X-${host}': ['a${host}b'] } }, { host: 'web' }).plain,
  ).toEqual({
    args: ['ping', 'web'],
    header: { 'X-web': ['awebb'] },
  });
});

test('a value that is nothing but a name keeps its type', () => {
  expect(fill({ port: '${port}', text: ':${port}', on: '${on}' }, { port: 80, on: true }).plain).toEqual({
    port: 80,
    text: ':80',
    on: true,
  });
});

test('what is filled in is not looked at again', () => {
  expect(fill({ a: '${x}-', b: '${y}' }, { x: '${y}', y: '${x}' }).plain).toEqual({ a: '${y}-', b: '${x}' });
});

test('a shell variable is written with two dollars; a reference to the outside is left alone', () => {
  expect(fill({ a: 'echo $${HOME} $USER ${env:TOKEN}' }, {})).toEqual({
    plain: { a: 'echo ${HOME} $USER ${env:TOKEN}' },
    problems: [],
  });
});

test('a name without a value is an error with a way out', () => {
  expect(fill({ a: '${hots}' }, { host: 'x' }).problems).toEqual([
    'f:2:3: error: checks[0].a: ${hots} has no value here; a plain ${ is written $${ (did you mean "host"?)',
  ]);
});

test('the names that a template asks for', () => {
  expect([...namesIn(tree({ a: '${x} ${env:Y} $${z}', b: ['${x}', { 'k${w}': 1 }] }))]).toEqual(['x', 'w']);
});
