import { expect, test } from 'vitest';
import { explain } from '../../../agent/config/explain.ts';
import { parseConfigText } from '../../../agent/config/parse.ts';
import { Problems } from '../../../agent/config/problems.ts';

test('values in the order of their keys, lists in their own, secrets hidden', () => {
  const text =
    'retry_join: [b, a]\nports: {http: 1}\nencrypt: k\ncheck:\n  header: {Authorization: [Bearer x]}\ntemplates: {a: {check: {name: a}}}\n';
  const tree = parseConfigText('a.yaml', text, new Problems())!;
  expect(explain(tree)).toEqual([
    { key: 'check.header.Authorization[0]', value: '(hidden)', from: 'a.yaml:5:28' },
    { key: 'encrypt', value: '(hidden)', from: 'a.yaml:3:10' },
    { key: 'ports.http', value: 1, from: 'a.yaml:2:15' },
    { key: 'retry_join[0]', value: 'b', from: 'a.yaml:1:14' },
    { key: 'retry_join[1]', value: 'a', from: 'a.yaml:1:17' },
  ]);
});
