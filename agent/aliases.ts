/**
 * Checks that follow other checks of this very host. Nothing is run: whenever one of the followed checks changes, the
 * alias takes over the worst of them. As in Consul, the alias of a service also follows the checks of its node.
 */
import type { OwnCheck } from '../proto/schema/catalog.ts';
import type { SpecOf } from '../proto/schema/definitions.ts';

export interface AliasVerdict {
  readonly status: 'passing' | 'warning' | 'critical';
  readonly output: string;
}

/** Null while nothing can be said: a followed check has no result yet, and none is bad. */
export function judgeAlias(
  id: string,
  spec: Pick<SpecOf<'alias'>, 'service'>,
  checks: readonly OwnCheck[],
): AliasVerdict | null {
  const followed = checks.filter(
    (check) => check.id !== id && (check.serviceId === '' || check.serviceId === spec.service),
  );
  const bad = followed.find(({ status }) => status === 'critical' || status === 'stale');
  if (bad !== undefined)
    return { status: 'critical', output: `Aliased check "${bad.id}" failing: ${bad.output}` };
  if (followed.some(({ status }) => status === 'pending')) return null;
  const doubtful = followed.find(({ status }) => status === 'warning');
  if (doubtful !== undefined) {
    return { status: 'warning', output: `Aliased check "${doubtful.id}" warning: ${doubtful.output}` };
  }
  return { status: 'passing', output: 'All checks passing.' };
}
