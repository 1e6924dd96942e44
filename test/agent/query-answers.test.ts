import { expect, test } from 'vitest';
import { answerHealth } from '../../agent/query-answers.ts';
import { programVersion } from '../../proto/version.ts';

test('who, which program, and how its checks are', () => {
  const checks = ['passing', 'critical', 'passing'].map((status) => ({ status }));
  expect(JSON.parse(Buffer.from(answerHealth('web-1', checks)).toString())).toEqual({
    Node: 'web-1',
    Version: programVersion,
    Checks: { critical: 1, passing: 2 },
  });
});
