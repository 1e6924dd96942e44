// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the text under test is made of them
import { expect, test } from 'vitest';
import { expandDefinitions } from '../../../agent/config/expand.ts';
import { toPlain } from '../../../agent/config/located.ts';
import { parseConfigText } from '../../../agent/config/parse.ts';
import { formatProblem, Problems } from '../../../agent/config/problems.ts';

function expand(text: string) {
  const problems = new Problems();
  const tree = expandDefinitions(parseConfigText('a.yaml', text, problems)!, problems);
  const plain = JSON.parse(JSON.stringify(toPlain(tree)));
  return {
    checks: plain.checks,
    services: plain.services,
    problems: problems.sorted(['a.yaml']).map(formatProblem),
  };
}

const page = `
templates:
  page:
    parameters: {path: /health}
    check:
      name: \${host} answers
      http: http://\${host}:\${port}\${path}
      interval: 10s
`;

test('a template is filled in; its parameters have defaults, and own keys win', () => {
  const { checks, problems } = expand(`${page}
checks:
  - use: page
    with: {host: shop, port: 80}
    interval: 5s
`);
  expect(problems).toEqual([]);
  expect(checks).toEqual([{ name: 'shop answers', http: 'http://shop:80/health', interval: '5s' }]);
});

test('one definition for each value, of each kind of list', () => {
  const { checks, problems } = expand(`${page}
checks:
  - for_each: [/, /var]
    id: disk-\${each}
  - for_each: {root: /, data: /srv}
    id: disk-\${key}
    disk: \${value}
  - for_each: [{host: a, port: 1}, {host: b, port: 2}]
    use: page
    with: {host: "\${each.host}", port: "\${each.port}"}
`);
  expect(problems).toEqual([]);
  expect(checks).toEqual([
    { id: 'disk-/' },
    { id: 'disk-/var' },
    { id: 'disk-root', disk: '/' },
    { id: 'disk-data', disk: '/srv' },
    { name: 'a answers', http: 'http://a:1/health', interval: '10s' },
    { name: 'b answers', http: 'http://b:2/health', interval: '10s' },
  ]);
});

test('services have templates too, and their checks may use them', () => {
  const { services, problems } = expand(`${page}
  web:
    service:
      name: \${name}
      port: \${port}
      checks:
        - {use: page, with: {host: localhost, port: "\${port}", path: /up}}
services:
  - {use: web, with: {name: shop, port: 81}}
`);
  expect(problems).toEqual([]);
  expect(services).toEqual([
    {
      name: 'shop',
      port: 81,
      checks: [{ name: 'localhost answers', http: 'http://localhost:81/up', interval: '10s' }],
    },
  ]);
});

test('defaults hold where a check says nothing, in any spelling, and never disturb a timetable', () => {
  const { checks, services } = expand(`
defaults: {check: {interval: 30s, timeout: 2s}}
checks:
  - {name: a}
  - {Name: b, Interval: 1s}
  - {name: c, ttl: 1m}
services:
  - {name: d, check: {tcp: "x:1"}, checks: [{tcp: "x:2", timeout: 9s}]}
`);
  expect(checks).toEqual([
    { name: 'a', interval: '30s', timeout: '2s' },
    { Name: 'b', Interval: '1s', timeout: '2s' },
    { name: 'c', ttl: '1m', timeout: '2s' },
  ]);
  expect(services[0]).toMatchObject({
    check: { interval: '30s', timeout: '2s' },
    checks: [{ interval: '30s', timeout: '9s' }],
  });
});

test('a definition that uses none of it is not touched', () => {
  const { checks, problems } = expand('checks:\n  - {name: a, args: [sh, -c, "echo ${HOME}"]}\n');
  expect(problems).toEqual([]);
  expect(checks[0].args[2]).toBe('echo ${HOME}');
});

test('what cannot be is named at its place', () => {
  const { problems } = expand(`${page}
checks:
  - {use: pgae, with: {}}
  - {use: page, with: {hots: a, port: 1}}
  - {name: x, with: {a: 1}}
  - {for_each: 7, name: x}
  - {for_each: [[1]], name: "\${each}"}
services:
  - {use: page}
`);
  expect(problems).toEqual([
    'a.yaml:11:11: error: checks[0].use: there is no template "pgae" (did you mean "page"?)',
    'a.yaml:12:11: error: checks[1].with.host: the template "page" needs a value for it',
    'a.yaml:12:30: error: checks[1].with.hots: the template "page" has no such parameter (did you mean "host"?)',
    'a.yaml:13:15: error: checks[2].with: needs a template: `use: NAME`',
    'a.yaml:14:16: error: checks[3].for_each: must be a list of values, or a map of names to values',
    'a.yaml:15:17: error: checks[4].for_each[0]: must be a single value or a map of them',
    'a.yaml:15:29: error: checks[4].name: ${each} has no value here; a plain ${ is written $${',
    'a.yaml:17:11: error: services[0].use: the template "page" makes no service',
  ]);
});
