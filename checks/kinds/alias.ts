/** Follows the health of a service or of a node: the worst status of the checks there. */
import { messageOf } from '../../proto/errors.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import type { CheckStatus } from '../../proto/schema/status.ts';
import type { ResultStatus } from '../check.ts';
import { type CheckKind, critical, type Outcome, passing } from './kind.ts';

/** A check that an alias may follow. */
export interface FollowedCheck {
  readonly id: string;
  readonly name: string;
  readonly status: CheckStatus | string;
  readonly output: string;
}

/** Checks of another node, as the catalog has them; `service` '' for those of the node itself. */
export interface AliasSource {
  checksOf(node: string, service: string): Promise<readonly FollowedCheck[]>;
}

/** For aliases of other nodes. The agent itself feeds those of its own node, as soon as anything changes. */
export function aliasKind(source: AliasSource): CheckKind<SpecOf<'alias'>> {
  return {
    async run({ node, service }) {
      try {
        return aliasOutcome(await source.checksOf(node, service));
      } catch (error) {
        return critical(`Aliased checks of ${node} are not known: ${messageOf(error)}`);
      }
    },
  };
}

/** In the words of Consul. No checks at all is passing, as there. */
export function aliasOutcome(checks: readonly FollowedCheck[]): Outcome {
  if (checks.length === 0) return passing('No checks found.');
  const failing =
    checks.find((check) => resultOf(check.status) === 'critical') ??
    checks.find((check) => resultOf(check.status) === 'warning');
  if (failing === undefined) return passing('All checks passing.');
  return {
    status: resultOf(failing.status),
    output: `Aliased check "${failing.name}" failing: ${failing.output}`,
  };
}

/** Who is not known to be well is not: pending and stale count as critical, as Consul shows them. */
function resultOf(status: string): ResultStatus {
  return status === 'passing' || status === 'warning' ? status : 'critical';
}
