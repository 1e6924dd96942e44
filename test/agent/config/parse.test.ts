import { expect, test } from 'vitest';
import { placeOfKey, placeOfValue, toPlain } from '../../../agent/config/located.ts';
import { parseConfigText } from '../../../agent/config/parse.ts';
import { formatProblem, Problems } from '../../../agent/config/problems.ts';

function parse(text: string, file = 'a.yaml') {
  const problems = new Problems();
  const tree = parseConfigText(file, text, problems);
  return {
    tree,
    plain: tree && JSON.parse(JSON.stringify(toPlain(tree))),
    problems: problems.sorted([file]).map(formatProblem),
  };
}

test('every key and value knows its line and column', () => {
  const { tree } = parse('node_name: web-1\nports:\n  http: 80\nretry_join:\n  - a\n  - b\n');
  expect(placeOfKey(tree!, ['ports', 'http'])).toEqual({ file: 'a.yaml', line: 3, column: 3 });
  expect(placeOfValue(tree!, ['ports', 'http'])).toEqual({ file: 'a.yaml', line: 3, column: 9 });
  expect(placeOfValue(tree!, ['retry_join', 1])).toEqual({ file: 'a.yaml', line: 6, column: 5 });
  // Beyond the tree: the last part that exists.
  expect(placeOfValue(tree!, ['ports', 'dns', 'x']).line).toBe(3);
});

test('JSON is read with tabs, escapes and places', () => {
  const { tree, plain, problems } = parse('{\n\t"node_name": "w\\u00e9b",\n\t"server": true\n}', 'a.json');
  expect(problems).toEqual([]);
  expect(plain).toEqual({ node_name: 'wéb', server: true });
  expect(placeOfKey(tree!, ['server'])).toEqual({ file: 'a.json', line: 3, column: 2 });
});

test('a .json file must be JSON, though YAML would take it', () => {
  expect(parse('{"server": true,}', 'a.json').problems).toEqual([
    expect.stringMatching(/^a\.json:1:17: error: not valid JSON: /),
  ]);
  expect(parse('{"server": true,}', 'a.yaml').problems).toEqual([]);
});

test('an empty file and a file of comments hold nothing', () => {
  expect(parse('').plain).toEqual({});
  expect(parse('# nothing yet\n---\n').plain).toEqual({});
  expect(parse('', 'a.json')).toMatchObject({ plain: {}, problems: [] });
});

test('a key that is given twice names the line of the first', () => {
  expect(parse('server: true\nports:\n  http: 1\n  dns: 2\n  http: 3\nserver: false\n').problems).toEqual([
    'a.yaml:5:3: error: ports.http: duplicate key, set before in line 3',
    'a.yaml:6:1: error: server: duplicate key, set before in line 1',
  ]);
});

test('all syntax errors are reported, a tab with advice', () => {
  expect(parse('a: "\\q"\n @b: 3\n').problems.length).toBeGreaterThan(1);
  expect(parse('ports:\n\thttp: 1\n').problems[0]).toBe(
    'a.yaml:2:1: error: a tab indents this line; YAML is indented by spaces',
  );
  expect(parse('a: 1\n---\nb: 2\n').problems[0]).toContain(
    'a.yaml:2:1: error: a second document starts here',
  );
});

test.each(['bind_addr = "1.2.3.4"\n', '# comment\nports {\n  http = 80\n}\n', 'service "web" {\n}\n'])(
  'HCL is named as such: %j',
  (text) => {
    expect(parse(text).problems).toEqual([expect.stringContaining('this is HCL, which is not read here')]);
    expect(parse(text).tree).toBeUndefined();
  },
);

test('a list or a word is no configuration', () => {
  expect(parse('- a\n').problems).toEqual([expect.stringContaining('the file must hold keys and values')]);
  expect(parse('hello').problems).toEqual([expect.stringContaining('the file must hold keys and values')]);
});

test('anchors and merge keys are written out', () => {
  const { plain, problems } = parse('x: &x {a: 1, b: 2}\ny:\n  b: 3\n  <<: *x\nz: *x\n');
  expect(problems).toEqual([]);
  expect(plain).toEqual({ x: { a: 1, b: 2 }, y: { a: 1, b: 3 }, z: { a: 1, b: 2 } });
});

test('an alias without an anchor, a ring and a bomb are errors, not crashes', () => {
  expect(parse('a: *x\n').problems).toEqual([expect.stringContaining('the anchor &x is not set above')]);
  expect(parse('a: &a [*a]\n').problems).toEqual([expect.stringContaining('too deep or too large')]);
  const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(10).fill(`*l${i}`)}]`);
  expect(parse(`l0: &l0 [x]\n${levels.join('\n')}\n`).problems).toEqual([
    expect.stringContaining('too deep or too large'),
  ]);
});

test('a key like __proto__ is only a key', () => {
  const { tree } = parse('__proto__: {server: true}\n');
  expect((toPlain(tree!) as { server?: boolean }).server).toBeUndefined();
  expect([...(tree!.kind === 'map' ? tree!.entries.keys() : [])]).toEqual(['__proto__']);
});

test('values that no setting can have', () => {
  expect(parse('a: .inf\n? [x, y]\n: 1\nb: !date 2026\n').problems).toEqual([
    'a.yaml:1:4: error: a: must be a finite number',
    'a.yaml:2:3: error: a key must be a plain word',
    'a.yaml:4:4: error: not valid YAML: Unresolved tag: !date',
  ]);
});
