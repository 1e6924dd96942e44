/** Compares this host's clock with that of the leader. */
import { messageOf } from '../../proto/errors.ts';
import type { SpecOf } from '../../proto/schema/definitions.ts';
import { type CheckKind, critical } from './kind.ts';
import { judged, metric } from './limits.ts';

/** How far this host's wall clock is ahead of the leader's; null while no leader answers. */
export interface LeaderClock {
  offsetMs(timeoutMs: number): Promise<number | null>;
}

export function clockKind(leader: LeaderClock): CheckKind<SpecOf<'clock'>> {
  return {
    async run({ warningMs, criticalMs }, { timeoutMs }) {
      try {
        const offsetMs = await leader.offsetMs(timeoutMs);
        if (offsetMs === null) return critical('Clock: no leader to compare with');
        const distanceMs = Math.abs(offsetMs);
        const limits = { warning: warningMs, critical: criticalMs };
        const output = `Clock: ${distanceMs.toFixed(1)} ms ${offsetMs < 0 ? 'behind' : 'ahead of'} the leader`;
        return judged(distanceMs, limits, output, [metric('offset', offsetMs, 'ms', limits)]);
      } catch (error) {
        return critical(`Clock: ${messageOf(error)}`);
      }
    },
  };
}
