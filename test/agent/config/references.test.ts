// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is made of them
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { explain } from '../../../agent/config/explain.ts';
import { fromPlain, type LocatedMap, toPlain } from '../../../agent/config/located.ts';
import { formatProblem, Problems } from '../../../agent/config/problems.ts';
import { fillReferences, secretsIn } from '../../../agent/config/references.ts';
import { substituteMap } from '../../../agent/config/substitute.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'references-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function fill(value: object, complete = true) {
  const problems = new Problems();
  const tree = fromPlain(value, { file: 'f', line: 1, column: 1 }) as LocatedMap;
  const env = { TOKEN: 'x$&y', EMPTY: '' };
  const filled = await fillReferences(tree, (key) => key !== 'left', { env, complete }, problems);
  return { tree: filled, plain: toPlain(filled), problems: problems.sorted([]).map(formatProblem) };
}

test('references are filled in wherever they stand, and only under the keys that are wanted', async () => {
  writeFileSync(join(folder, 'secret'), 'two\nlines\n');
  const { tree, plain, problems } = await fill({
    a: { b: ['Bearer ${env:TOKEN}', `\${file:${folder}/secret}`] },
    c: 'no ${name} and $HOME',
    d: '${env:EMPTY}',
    left: '${env:TOKEN}',
  });
  expect(problems).toEqual([]);
  expect(plain).toEqual({
    a: { b: ['Bearer x$&y', 'two\nlines'] },
    c: 'no ${name} and $HOME',
    d: '',
    left: '${env:TOKEN}',
  });
  expect(secretsIn(tree)).toEqual(['x$&y', 'two\nlines', '']);
});

test('what was filled in is hidden where values are explained', async () => {
  const { tree } = await fill({ retry_join: ['${env:TOKEN}', 'b'] });
  const told = explain(tree).filter(({ key }) => key.startsWith('retry_join'));
  expect(told.map(({ value }) => value)).toEqual(['(hidden)', 'b']);
});

test('what cannot be filled in is an error, and a warning where only files are looked at', async () => {
  const value = { a: '${env:NONE}', b: '${file:relative}', c: `\${file:${folder}/none}` };
  const { problems } = await fill(value);
  expect(problems).toEqual([
    'f:1:1: error: a: ${env:NONE} is not set in the environment of the agent',
    'f:1:1: error: b: ${file:relative} must name a file by its absolute path',
    expect.stringMatching(/^f:1:1: error: c: \$\{file:.*\} cannot be read: ENOENT/),
  ]);
  const partial = await fill(value, false);
  expect(partial.problems).toHaveLength(3);
  for (const line of partial.problems) expect(line).toContain(': warning: ');
});

test('what is filled in once more keeps what came in as it is', async () => {
  const problems = new Problems();
  const text = 'Bearer ${env:TOKEN} for ${name}';
  const tree = fromPlain({ a: text }, { file: 'f', line: 1, column: 1 }) as LocatedMap;
  const options = { env: { TOKEN: 'x${name}$${y}' }, complete: true, again: true };
  const filled = await fillReferences(tree, () => true, options, problems);
  const written = substituteMap(filled, new Map([['name', 'shop']]), [], problems);
  expect(toPlain(written)).toEqual({ a: 'Bearer x${name}$${y} for shop' });
  expect(secretsIn(filled)).toEqual(['x${name}$${y}']);
  expect(problems.sorted([])).toEqual([]);
});
