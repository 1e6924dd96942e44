import { expect, test } from 'vitest';
import { readDefinitions } from '../../../agent/config/definitions.ts';
import { normalized } from '../../../agent/config/normalize.ts';
import { parseConfigText } from '../../../agent/config/parse.ts';
import { formatProblem, Problems } from '../../../agent/config/problems.ts';

function read(text: string, file = 'a.yaml') {
  const problems = new Problems();
  const tree = normalized(parseConfigText(file, text, problems)!, new Set(), problems);
  const found = readDefinitions(tree, { complete: true }, problems);
  return { ...found, problems: problems.sorted([file]).map(formatProblem) };
}

test('problems inside of a service are placed at their line', () => {
  const { problems } = read(
    [
      'services:',
      '  - name: web',
      '    prot: 80',
      '    checks:',
      '      - htp: x',
      '        interval: 10s',
    ].join('\n'),
  );
  expect(problems).toContain(
    'a.yaml:3:5: error: services[0].prot: is not a known key (did you mean "port"?)',
  );
  expect(problems).toContain(
    'a.yaml:5:9: error: services[0].checks[0].htp: is not a known key (did you mean "http"?)',
  );
});

test('a warning does not drop the definition', () => {
  const { checks, problems } = read('check: {name: a, tcp: "h:1", interval: 100ms}\n');
  expect(checks).toMatchObject([{ id: 'a', intervalMs: 1_000 }]);
  expect(problems).toEqual([
    expect.stringMatching(/^a\.yaml:1:\d+: warning: check\.interval: is raised to 1s/),
  ]);
});

test('a check of a service may not take the id of another check', () => {
  const { problems } = read(
    'checks:\n  - {id: x, name: a, ttl: 10s}\nservice:\n  name: web\n  check: {id: x, ttl: 10s}\n',
  );
  expect(problems).toEqual([
    'a.yaml:5:10: error: service.check: the check id "x" is taken at a.yaml:2:5; give it another id',
  ]);
});

test('CamelCase keys of the HTTP API are the same keys', () => {
  const { checks, problems } = read('{"check": {"CheckID": "m", "Name": "Mem", "TTL": "30s"}}', 'a.json');
  expect(problems).toEqual([]);
  expect(checks).toMatchObject([{ id: 'm', name: 'Mem', spec: { kind: 'ttl' } }]);
});
