/**
 * Checks that follow other checks. Those of this very host are not run: whenever one of the followed checks changes, the
 * alias takes over the worst of them. As in Consul, the alias of a service also follows the checks of its node.
 */
import { type AliasSource, aliasOutcome } from '../checks/kinds/alias.ts';
import type { Outcome } from '../checks/kinds/kind.ts';
import type { Rpc } from '../proto/rpc.ts';
import type { OwnCheck } from '../proto/schema/catalog.ts';
import type { SpecOf } from '../proto/schema/definitions.ts';

/**
 * Null while nothing can be said: a followed check has no result yet, and none is bad. Aliases that are checks of the node
 * say nothing of their own about it, and two of them that followed each other would wait for, or blame, each other for ever.
 */
export function judgeAlias(
  spec: Pick<SpecOf<'alias'>, 'service'>,
  checks: readonly OwnCheck[],
  isAliasHere: (id: string) => boolean,
): Outcome | null {
  const followed = checks.filter((check) => {
    return concerns(check, spec.service) && !(check.serviceId === '' && isAliasHere(check.id));
  });
  const heard = followed.filter(({ status }) => status !== 'pending');
  const outcome = aliasOutcome(heard);
  return heard.length < followed.length && outcome.status !== 'critical' ? null : outcome;
}

/** Checks of other nodes, from the catalog. */
export function catalogAliases(rpc: Rpc): AliasSource {
  return {
    checksOf: async (node, service) => {
      const query = { of: 'nodeChecks', node } as const;
      const { rows } = await rpc.call('catalog.query', { query, mode: 'default', maxStaleMs: null });
      return rows.checks.filter(
        (check) => concerns(check, service) && !(check.serviceId === '' && check.type === 'alias'),
      );
    },
  };
}

function concerns(check: { readonly serviceId: string }, service: string): boolean {
  return check.serviceId === '' || check.serviceId === service;
}
