import { expect, test } from 'vitest';
import { formatProblem, Problems } from '../../../agent/config/problems.ts';

const at = (file: string, line: number, column = 1) => ({ file, line, column });

test('a problem is one line with place, level, key and a way out', () => {
  const problems = new Problems();
  problems.error(at('a.yaml', 3, 7), ['services', 0, 'prot'], 'is not a known key', 'port');
  problems.warning(at('a.yaml', 0), [], 'is empty');
  expect(problems.sorted(['a.yaml']).map(formatProblem)).toEqual([
    'a.yaml: warning: is empty',
    'a.yaml:3:7: error: services[0].prot: is not a known key (did you mean "port"?)',
  ]);
});

test('in the order of reading, what has no file last', () => {
  const problems = new Problems();
  problems.error(at('--bind', 0), [], '4');
  problems.error(at('z.yaml', 9), [], '2');
  problems.error(at('a.yaml', 1), [], '3');
  problems.error(at('z.yaml', 2), [], '1');
  expect(problems.sorted(['z.yaml', 'a.yaml']).map((problem) => problem.message)).toEqual([
    '1',
    '2',
    '3',
    '4',
  ]);
});

test('only an error keeps the agent from starting', () => {
  const problems = new Problems();
  problems.warning(at('a.yaml', 1), [], 'x');
  expect(problems.failed).toBe(false);
  problems.error(at('a.yaml', 1), [], 'x');
  expect(problems.failed).toBe(true);
});
