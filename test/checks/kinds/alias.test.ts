import { expect, test } from 'vitest';
import { aliasKind, aliasOutcome, type FollowedCheck } from '../../../checks/kinds/alias.ts';
import type { SpecOf } from '../../../proto/schema/definitions.ts';
import { define } from '../fakes.ts';
import { context } from '../real-host.ts';

const check = (name: string, status: string, output = ''): FollowedCheck => ({
  id: name,
  name,
  status,
  output,
});

test.each([
  [[], 'passing', 'No checks found.'],
  [[check('a', 'passing'), check('b', 'passing')], 'passing', 'All checks passing.'],
  [[check('a', 'passing'), check('b', 'warning', 'slow')], 'warning', 'Aliased check "b" failing: slow'],
  [[check('a', 'warning'), check('b', 'critical', 'down')], 'critical', 'Aliased check "b" failing: down'],
  [[check('a', 'pending')], 'critical', 'Aliased check "a" failing: '],
  [[check('a', 'stale', 'old')], 'critical', 'Aliased check "a" failing: old'],
])('%j is %s, in the words of Consul', (checks, status, output) => {
  expect(aliasOutcome(checks)).toEqual({ status, output });
});

test('an alias of another node asks the catalog, and a catalog out of reach is no pass', async () => {
  const { spec } = define({ alias_node: 'node-2', alias_service: 'db' });
  const asked: string[][] = [];
  const kind = aliasKind({
    checksOf: async (...question) => {
      asked.push(question);
      return [check('db', 'passing')];
    },
  });
  expect((await kind.run(spec as SpecOf<'alias'>, context())).status).toBe('passing');
  expect(asked).toEqual([['node-2', 'db']]);
  const lost = aliasKind({ checksOf: () => Promise.reject(new Error('No known Consul servers')) });
  expect(await lost.run(spec as SpecOf<'alias'>, context())).toMatchObject({
    status: 'critical',
    output: 'Aliased checks of node-2 are not known: No known Consul servers',
  });
});
